import { currentVersion } from "../../migrate/migration-sql.ts";
import type { Schema } from "../../postgres/schema.ts";
import { commandOn } from "../../postgres/schema-error.ts";
import { sql } from "../../statement.ts";
import { many } from "../figures.ts";
import { objectsOf } from "../objects.ts";
import type { Check } from "../patient.ts";

/** Whether the queue's schema is its own: migration tools look at schemas that hold the application's tables. */
export const sharedSchemaCheck: Check = {
  name: "tables of others in the queue's schema",
  needs: "queue",
  async look({ read, schema }) {
    const own = objectsOf(currentVersion).map(({ name }) => name);
    const tables = (await read(otherTables(schema), own)).map(({ table }) => String(table));
    if (tables.length === 0 && schema.name !== "public") return [];
    const names = tables.slice(0, 5).join(", ") + (tables.length > 5 ? ", …" : "");
    return [
      {
        code: "SCHEMA_SHARED",
        severity: "warning",
        what:
          tables.length > 0
            ? `The queue's schema "${schema.name}" holds ${many(tables.length, "table")} that ${tables.length === 1 ? "is" : "are"} not Pillion's: ${names}.`
            : `The queue's schema is "${schema.name}", which everybody's tables are in by default.`,
        why: "drizzle-kit push, prisma db push and TypeORM's schema:drop look at the schemas of the application's tables, and drop what its model does not have: the queue.",
        mend:
          schema.name === "public"
            ? `${commandOn("pillion", "migrate")}  # a schema of its own; let the jobs in "public" run out`
            : tables.map((table) => `alter table ${table} set schema public;`).join(" "),
      },
    ];
  },
};

/** A partition that somebody has detached, to keep it, is still of the queue. A later release has tables of its own. */
const otherTables = (schema: Schema) => sql<readonly string[]>`
select c.oid::regclass::text as table
from pg_class c
where c.relnamespace = to_regnamespace('${schema.quoted}') and c.relkind in ('r', 'p') and not c.relispartition
  and c.relname not in (select json_array_elements_text(${(names) => JSON.stringify(names)}::text::json))
  and c.relname !~ '^(archive|attempt)_'
  and ${String(currentVersion)} >= (select max(m.version) from ${schema.migration} m)
order by 1
limit 20`;

import { currentVersion } from "../../migrate/migration-sql.ts";
import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { bytes } from "../figures.ts";
import { objectsOf } from "../objects.ts";
import type { Check } from "../patient.ts";

/** Indexes that nobody can use, because their making has failed half-way. */
export const invalidIndexesCheck: Check = {
  name: "invalid indexes",
  needs: "queue",
  async look({ read, schema }) {
    const names = objectsOf(currentVersion).map(({ name }) => name);
    return (await read(invalidIndexes(schema), names)).map(({ index, table, size, ours }) => ({
      code: "INVALID_INDEX",
      severity: ours === "true" ? "critical" : "warning",
      what: `The index ${index} (${bytes(size)}) of ${table} is invalid.`,
      why:
        ours === "true"
          ? "Pillion reads by it: its statements read whole tables instead."
          : "No statement uses it, and every write of the table keeps it up all the same.",
      mend: ours === "true" ? `reindex index concurrently ${index};` : `drop index concurrently ${index};`,
    }));
  },
};

/** Those that are being made at this moment are invalid too, and are left out. */
const invalidIndexes = (schema: Schema) => sql<readonly string[]>`
select i.indexrelid::regclass::text as index, i.indrelid::regclass::text as table, pg_relation_size(i.indexrelid)::text as size,
  (c.relname in (select json_array_elements_text(${(names) => JSON.stringify(names)}::text::json))
    or exists (select from pg_constraint o where o.conindid = i.indexrelid)
    or exists (select from pg_inherits h where h.inhrelid = i.indexrelid))::text as ours
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = to_regnamespace('${schema.quoted}') and not i.indisvalid
  and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
order by 1
limit 20`;

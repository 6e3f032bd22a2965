import type { Schema } from "../../postgres/schema.ts";
import { type Row, sql } from "../../statement.ts";
import { bytes, many } from "../figures.ts";
import type { Finding } from "../finding.ts";
import type { Check } from "../patient.ts";

/** Whether there are partitions for what will end in the next two days, and nothing lies beside them. */
export const partitionsCheck: Check = {
  name: "partitions made ahead",
  needs: "queue",
  look: async ({ read, schema }) =>
    (await read(partitions(schema), undefined)).flatMap((row) => findings(schema, row)),
};

/** Of archive and attempt: the days for which a partition is missing, and what lies in the one for all other days. */
const partitions = (schema: Schema) => sql`
select p.name, d.days::text as days, d.first, pg_total_relation_size(p.rest)::text as size, s.n_live_tup::text as rows
from (values ('${schema.archive}', '${schema.archive}'::regclass, '${schema.quoted}.archive_default'::regclass),
             ('${schema.quoted}.attempt', '${schema.attempt}'::regclass, '${schema.quoted}.attempt_default'::regclass)) p(name, parent, rest)
cross join lateral (
  select count(*) as days, min(a.day)::text as first from ${schema.quoted}.days_ahead(p.parent, statement_timestamp()) a(day)
  where a.day not in (select k.day from ${schema.quoted}.kept(p.parent) k)
) d
left join pg_stat_all_tables s on s.relid = p.rest`;

function findings(schema: Schema, { name, days, first, size, rows }: Row): Finding[] {
  return [
    ...(days === "0"
      ? []
      : [
          {
            code: "PARTITION_MISSING",
            severity: "warning",
            what: `The table ${name} has no partition for ${many(days, "day")} that will be needed within two days; the first is kept until ${first}.`,
            why: "No worker has made them, as each does once a minute. What ends lies in the default partition instead, which is not dropped with its day.",
            mend: `select * from ${schema.quoted}.keep();`,
          } as const,
        ]),
    ...(Number(rows) === 0
      ? []
      : [
          {
            code: "DEFAULT_PARTITION_USED",
            severity: "warning",
            what: `The table ${name}_default holds ${many(rows, "row")} (${bytes(size)}), for which there was no partition.`,
            why: "They are not dropped when their day has come, until that table has become the partition of its days.",
            mend: `select * from ${schema.quoted}.keep(most_bytes => ${Math.max(2 * Number(size), 67_108_864)});  -- reads the table under lock: in a quiet hour`,
          } as const,
        ]),
  ];
}

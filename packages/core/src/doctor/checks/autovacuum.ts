import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { duration } from "../figures.ts";
import type { Finding } from "../finding.ts";
import type { Check } from "../patient.ts";

const why = "Every job that ends leaves dead rows, which claims step over until a vacuum removes them.";
/** A server looks for tables to vacuum once a minute unless it is told otherwise. */
const longestNapMs = 300_000;

/** Whether the server vacuums, and the queue's tables as often as they need it. */
export const autovacuumCheck: Check = {
  name: "autovacuum",
  needs: "server",
  async look({ read, schema }) {
    const findings: Finding[] = [];
    for (const { title, off, job, scale, autovacuum, track_counts, nap_ms } of await read(
      settings(schema),
      undefined,
    )) {
      if (title === null) {
        for (const [name, value] of [
          ["autovacuum", autovacuum],
          ["track_counts", track_counts],
        ])
          if (value === "off")
            findings.push({
              code: "AUTOVACUUM_OFF",
              severity: "critical",
              what: `The server's setting ${name} is off: nothing is vacuumed by itself.`,
              why,
              mend: `alter system set ${name} = on; select pg_reload_conf();`,
            });
        if (Number(nap_ms) > longestNapMs)
          findings.push({
            code: "AUTOVACUUM_RARE",
            severity: "warning",
            what: `The server looks every ${duration(nap_ms)} for tables to vacuum (autovacuum_naptime).`,
            why,
            mend: "alter system set autovacuum_naptime = '1min'; select pg_reload_conf();",
          });
      } else if (off === "true")
        findings.push({
          code: "AUTOVACUUM_OFF_FOR_TABLE",
          severity: "critical",
          what: `Autovacuum is off for the table ${title}.`,
          why,
          mend: `alter table ${title} reset (autovacuum_enabled);`,
        });
      else if (job === "true" && Number(scale) > 0.05)
        findings.push({
          code: "AUTOVACUUM_RARE",
          severity: "warning",
          what: `The table ${title} is vacuumed when ${Number(scale) * 100} % of its rows have died; Pillion sets 1 %.`,
          why,
          mend: `alter table ${title} set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);`,
        });
    }
    return findings;
  },
};

/** The server's settings in a row without a title, and the tables' own. */
const settings = (schema: Schema) => sql`
select null as title, null as off, null as job, null as scale, current_setting('autovacuum') as autovacuum,
  current_setting('track_counts') as track_counts, (extract(epoch from current_setting('autovacuum_naptime')::interval) * 1000)::text as nap_ms
union all
select c.oid::regclass::text, coalesce(o.off, false)::text, (c.relname = 'job')::text,
  coalesce(o.scale, current_setting('autovacuum_vacuum_scale_factor')), null, null, null
from pg_class c
left join lateral (
  select bool_or(s.option_name = 'autovacuum_enabled' and not s.option_value::boolean) as off,
    max(s.option_value) filter (where s.option_name = 'autovacuum_vacuum_scale_factor') as scale
  from pg_options_to_table(c.reloptions) s
) o on true
where c.relnamespace = to_regnamespace('${schema.quoted}') and c.relkind = 'r'
order by title nulls first`;

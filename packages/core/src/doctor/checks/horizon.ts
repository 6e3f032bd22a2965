import type { Schema } from "../../postgres/schema.ts";
import { type Row, sql } from "../../statement.ts";
import { count, duration, literal } from "../figures.ts";
import type { Finding } from "../finding.ts";
import type { DiagnoseLimits } from "../limits.ts";
import type { Check } from "../patient.ts";

/** Who keeps vacuum from removing dead rows. */
export const horizonCheck: Check = {
  name: "who holds the xmin horizon",
  needs: "server",
  async look({ read, schema, limits }) {
    const rows = await read(holders(schema), limits);
    return rows.map((row) => finding(row, limits));
  },
};

/**
 * What holds the horizon of this database, the oldest first. A connection of another database holds its own, and that of
 * a vacuum holds nobody's.
 */
const holders = (schema: Schema) => sql<DiagnoseLimits>`
with holder as (
  select 'connection' as kind, a.pid::text as id, a.application_name as application, a.usename::text as role, a.state,
    left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) as query,
    extract(epoch from clock_timestamp() - a.xact_start) * 1000 as ms, greatest(age(a.backend_xmin), age(a.backend_xid)) as transactions
  from pg_stat_activity a
  where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type not in ('walsender', 'autovacuum worker')
    and not exists (select from pg_stat_progress_vacuum v where v.pid = a.pid)
  union all
  select 'prepared', p.gid, null, p.owner::text, null, null, extract(epoch from clock_timestamp() - p.prepared) * 1000, age(p.transaction)
  from pg_prepared_xacts p where p.database = current_database()
  union all
  select 'slot', s.slot_name::text, null, null, case when s.active then 'in use' else 'not in use' end, null, null, age(s.xmin)
  from pg_replication_slots s
  union all
  select 'standby', r.pid::text, r.application_name, r.usename::text, host(r.client_addr), null, null, age(r.backend_xmin)
  from pg_stat_replication r where not exists (select from pg_replication_slots s where s.active_pid = r.pid and s.xmin is not null)
)
select h.kind, h.id, h.application, h.role, h.state, h.query, h.ms::text, h.transactions::text,
  (select sum(t.n_dead_tup) from pg_stat_all_tables t where t.schemaname = ${() => schema.name}::text)::text as dead
from holder h
where h.transactions is not null
  and (h.ms >= ${({ heldMs }) => String(heldMs)}::text::numeric
    or h.ms is null and h.transactions >= ${({ heldTransactions }) => String(heldTransactions)}::text::bigint)
order by h.transactions desc, h.ms desc
limit 5`;

function finding(row: Row, { heldMs }: DiagnoseLimits): Finding {
  const old = `${count(row.transactions)} transactions old`;
  const { code, what, mend } = wordsOf(row, old);
  return {
    code,
    severity: row.ms !== null && Number(row.ms) >= 10 * heldMs ? "critical" : "warning",
    what,
    why: `Vacuum removes no row of this database that has died since. The queue's tables have ${count(row.dead)} dead rows, and each claim steps over those that it meets.`,
    mend,
  };
}

function wordsOf(row: Row, old: string): Pick<Finding, "code" | "what" | "mend"> {
  const { kind, id, application, role, state, query, ms } = row;
  switch (kind) {
    case "connection":
      return {
        code: "HORIZON_HELD",
        what: `Connection ${id} (application "${application}", role ${role}, ${state}) has had a transaction open for ${duration(ms)}, whose snapshot is ${old}. Its statement: ${query}`,
        mend: `select pg_terminate_backend(${id});`,
      };
    case "prepared":
      return {
        code: "HORIZON_HELD_BY_PREPARED",
        what: `The prepared transaction ${literal(id!)} of role ${role} has waited for ${duration(ms)} to be committed or rolled back; it is ${old}.`,
        mend: `rollback prepared ${literal(id!)};`,
      };
    case "slot":
      return {
        code: "HORIZON_HELD_BY_SLOT",
        what: `The replication slot "${id}", ${state}, holds a snapshot that is ${old}.`,
        mend: `select pg_drop_replication_slot(${literal(id!)});`,
      };
    default:
      return {
        code: "HORIZON_HELD_BY_STANDBY",
        what: `The standby "${application}" (process ${id}, at ${state ?? "a local socket"}, role ${role}) says that it needs a snapshot that is ${old}.`,
        mend: "alter system set hot_standby_feedback = off; select pg_reload_conf();  -- on the standby; or end the query that runs there",
      };
  }
}

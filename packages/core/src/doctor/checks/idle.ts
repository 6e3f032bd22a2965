import { sql } from "../../statement.ts";
import { duration, many } from "../figures.ts";
import type { DiagnoseLimits } from "../limits.ts";
import type { Check } from "../patient.ts";

/** Connections that have a transaction open and do nothing. */
export const idleCheck: Check = {
  name: "connections idle in a transaction",
  needs: "server",
  async look({ read, limits }) {
    return (await read(idle, limits)).map(({ pid, application, role, ms, locks, query }) => ({
      code: "IDLE_IN_TRANSACTION",
      severity: "warning",
      what: `Connection ${pid} (application "${application}", role ${role}) has been idle in a transaction for ${duration(ms)}, with ${many(locks, "lock")}. Its last statement: ${query}`,
      why: "What it has locked, and the unique keys it has taken, others wait for; and its pool has one connection less.",
      mend: `select pg_terminate_backend(${pid});  -- for all of them: alter role ${role} set idle_in_transaction_session_timeout = '1min';`,
    }));
  },
};

const idle = sql<DiagnoseLimits>`
select a.pid::text, a.application_name as application, quote_ident(a.usename) as role,
  (extract(epoch from clock_timestamp() - a.state_change) * 1000)::text as ms,
  (select count(*) from pg_locks l where l.pid = a.pid and l.granted and l.locktype in ('relation', 'tuple', 'advisory'))::text as locks,
  left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) as query
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state like 'idle in transaction%'
  and a.state_change <= clock_timestamp() - ${({ idleMs }) => idleMs.toString()}::text::float8 * interval '1 millisecond'
order by a.state_change
limit 5`;

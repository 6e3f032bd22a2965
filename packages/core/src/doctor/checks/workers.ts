import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { duration, many } from "../figures.ts";
import type { Check } from "../patient.ts";

/** Workers that have fallen silent without a word, and jobs that wait while nobody works. */
export const workersCheck: Check = {
  name: "workers without heartbeat",
  needs: "queue",
  async look({ read, schema, limits }) {
    const [row] = await read(workers(schema), undefined);
    const { living, silent, silent_ms, labels, held, waiting, last_ms } = row!;
    return [
      ...(living === "0" && waiting === "true"
        ? [
            {
              code: "NO_WORKER",
              // Between two deployments, or between two calls of runOnce, that is as it should be.
              severity: last_ms !== null && Number(last_ms) < limits.oldestMs ? "info" : "critical",
              what: `Jobs wait, and no worker runs${last_ms === null ? ": none has for a month, if ever" : `; the last one was heard of ${duration(last_ms)} ago`}.`,
              why: "Nothing is run until one is started.",
              mend: "Start the process that calls `worker.run()`, and look into its log: docs/worker.md.",
            } as const,
          ]
        : []),
      ...(silent === "0"
        ? []
        : [
            {
              code: "WORKER_SILENT",
              severity: held === "true" ? "critical" : "warning",
              what: `${many(silent, "worker")} ${silent === "1" ? "has" : "have"} been silent for longer than a lease (up to ${duration(silent_ms)}) without having stopped${held === "true" ? ", and jobs are held by them still" : ""}: ${labels}.`,
              why:
                held === "true"
                  ? "A job that is held is run by nobody else until a living worker rescues it, which none has done."
                  : "A process was killed, hangs, or has lost its way to the database. Its jobs were given to others, and each of them has used up an attempt.",
              mend: "Look into that process' log, and start it again; a process that is gone is told of for a day.",
            } as const,
          ]),
    ];
  },
};

/**
 * Held: for a lease longer than it takes a living worker to rescue what it holds. Who has stopped is left out, and who has been
 * silent for a day is counted among them by the living.
 */
const workers = (schema: Schema) => sql`
with worker as (
  select w.id, w.label, w.heartbeat_at, extract(epoch from statement_timestamp() - w.heartbeat_at) * 1000 as ms, w.lease_ms
  from ${schema.worker} w where w.stopped_at is null order by w.heartbeat_at desc limit 10000
), silent as (
  select * from worker where ms > lease_ms
)
select (select count(*) from worker where ms <= lease_ms)::text as living, (select count(*) from silent)::text as silent,
  (select max(ms) from silent)::text as silent_ms,
  (select string_agg(s.id || ' (' || s.label || ')', ', ') from (select id, label from silent order by ms limit 5) s) as labels,
  exists (
    select from silent s where s.ms > 2 * s.lease_ms and (exists (select from ${schema.job} j where j.state = 'running' and j.worker = s.id)
      or exists (select from ${schema.batch} b where b.worker = s.id and b.worker > 0)))::text as held,
  (exists (select from ${schema.job} j where j.state = 'ready' and j.partition_key is null)
    or exists (select from ${schema.job} j where j.state = 'ready' and j.partition_key is not null)
    or exists (select from ${schema.job} j where j.state = 'scheduled' and j.run_at <= statement_timestamp()))::text as waiting,
  (select extract(epoch from statement_timestamp() - max(w.heartbeat_at)) * 1000 from ${schema.worker} w)::text as last_ms`;

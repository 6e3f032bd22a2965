import type { Schema } from "../../postgres/schema.ts";
import { commandOn } from "../../postgres/schema-error.ts";
import { type Row, sql } from "../../statement.ts";
import { argument, duration } from "../figures.ts";
import type { Finding } from "../finding.ts";
import type { DiagnoseLimits } from "../limits.ts";
import type { Check } from "../patient.ts";

/** Queues in which a job has waited for too long. */
export const lateQueuesCheck: Check = {
  name: "queues whose oldest job is too old",
  needs: "queue",
  look: async ({ read, schema, limits }) =>
    (await read(lateQueues(schema), limits)).map((row) => finding(schema, row)),
};

/**
 * Each lane's first job, and that of each of the first thousand partition keys, looked up one by one: nothing is
 * counted. The hold of each lane is its first job; what came back to its end is younger.
 */
const lateQueues = (schema: Schema) => sql<DiagnoseLimits>`
with recursive lane(queue, n) as (
  (select j.queue, 1 from ${schema.job} j where j.state = 'ready' and j.partition_key is null order by j.queue limit 1)
  union all
  select (select j.queue from ${schema.job} j where j.state = 'ready' and j.partition_key is null and j.queue > lane.queue
          order by j.queue limit 1), lane.n + 1
  from lane where lane.queue is not null and lane.n < 1000
), line(queue, key, n) as (
  (select j.queue, j.partition_key, 1 from ${schema.job} j where j.state = 'ready' and j.partition_key is not null
   order by j.queue, j.partition_key limit 1)
  union all
  select next.queue, next.partition_key, line.n + 1 from line cross join lateral (
    select j.queue, j.partition_key from ${schema.job} j where j.state = 'ready' and j.partition_key is not null
      and (j.queue, j.partition_key) > (line.queue, line.key)
    order by j.queue, j.partition_key limit 1) next
  where line.n < 1000
), first as (
  select lane.queue, j.id, j.name, j.run_at from lane cross join generate_series(-4, 4) p(priority) cross join lateral (
    select j.id, j.name, j.run_at from ${schema.job} j
    where j.state = 'ready' and j.partition_key is null and j.queue = lane.queue and j.priority = p.priority
    order by j.position limit 1) j
  union all
  select line.queue, j.id, j.name, j.run_at from line cross join lateral (
    select j.id, j.name, j.run_at from ${schema.job} j
    where j.state = 'ready' and j.partition_key is not null and j.queue = line.queue and j.partition_key = line.key
    order by j.priority desc, j.position limit 1) j
  union all
  -- Due, and promoted by nobody.
  select j.queue, j.id, j.name, j.run_at from (
    select j.queue, j.id, j.name, j.run_at from ${schema.job} j where j.state = 'scheduled' order by j.run_at limit 1) j
), oldest as (
  select distinct on (f.queue) f.*, extract(epoch from statement_timestamp() - f.run_at) * 1000 as ms from first f order by f.queue, f.run_at
)
select o.queue, o.id::text, o.name, o.ms::text,
  (extract(epoch from statement_timestamp() - q.paused_at) * 1000)::text as paused_ms
from oldest o left join ${schema.queue} q on q.name = o.queue
where o.ms >= ${({ oldestMs }) => String(oldestMs)}::text::numeric
order by o.ms desc
limit 20`;

function finding(schema: Schema, { queue, id, name, ms, paused_ms }: Row): Finding {
  const waits = `The oldest job of queue "${queue}" (${id}, "${name}") has waited for ${duration(ms)}`;
  if (paused_ms !== null)
    return {
      code: "QUEUE_PAUSED",
      severity: "info",
      what: `${waits}: the queue was paused ${duration(paused_ms)} ago.`,
      why: "No job of a paused queue is started.",
      mend: commandOn(schema.name, `resume ${argument(queue!)}`),
    };
  return {
    code: "QUEUE_LATE",
    severity: "warning",
    what: `${waits}.`,
    why: "Its workers do not keep up, run something else, or are kept from it by a limit or by strict order.",
    mend: `${commandOn(schema.name, "status")}  # then more workers with that queue, a higher concurrency, or a look at what they run`,
  };
}

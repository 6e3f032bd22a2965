import type { Subscription } from "../job/topic.ts";
import { sql } from "../statement.ts";
import type { Schema } from "./schema.ts";

/**
 * Has each publication of a topic make a job of that type. What is there already is not written again; a newer version
 * of the job type takes over from an older one, and keeps it from coming back with an old process.
 */
export const subscribe = (schema: Schema) => sql<{ readonly subscriptions: readonly Subscription[] }>`
insert into ${schema.subscription} as s (topic, name, version, queue, priority, max_attempts)
select distinct on (i.topic, i.name) i.topic, i.name, i.version, i.queue, i.priority, i."maxAttempts"
from json_to_recordset(${(input) => JSON.stringify(input.subscriptions.map(toRow))}::text::json)
  as i(topic text, name text, version integer, queue text, priority smallint, "maxAttempts" integer)
order by i.topic, i.name, i.version desc
on conflict (topic, name) do update
set version = excluded.version, queue = excluded.queue, priority = excluded.priority, max_attempts = excluded.max_attempts
where excluded.version >= s.version
  and (s.version, s.queue, s.priority, s.max_attempts) is distinct from
      (excluded.version, excluded.queue, excluded.priority, excluded.max_attempts)
returning topic, name`;

/** Ends a subscription. Answers whether there was one. */
export const unsubscribe = (schema: Schema) => sql<{ readonly topic: string; readonly name: string }>`
delete from ${schema.subscription} s where s.topic = ${(input) => input.topic}::text and s.name = ${(input) => input.name}::text
returning topic, name`;

function toRow({ topic, jobType }: Subscription) {
  const { name, version, queue, priority, maxAttempts } = jobType;
  return { topic: topic.name, name, version, queue, priority, maxAttempts };
}

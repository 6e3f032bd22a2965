import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface ChangeScheduleInput {
  readonly name: string;
  readonly now?: string | null | undefined;
}

const nameText = ({ name }: ChangeScheduleInput) => name;

/** Fires no slot of the schedule until it is resumed. Answers no row where there is no such schedule. */
export const pauseSchedule = (schema: Schema) => sql<ChangeScheduleInput>`
update ${schema.schedule} s
set paused_at = coalesce(s.paused_at, ${nowText}::text::timestamptz, statement_timestamp()), revision = s.revision + 1
where s.name = ${nameText}::text
returning s.name`;

/** Goes on with the first slot after now, where the schedule is paused: slots of the pause are not made up for. */
export const resumeSchedule = (schema: Schema) => sql<ChangeScheduleInput>`
update ${schema.schedule} s
set passed = case when s.paused_at is null then s.passed
      else greatest(s.passed, coalesce(${nowText}::text::timestamptz, statement_timestamp())) end,
  due_at = null, paused_at = null, revision = s.revision + 1
where s.name = ${nameText}::text
returning s.name`;

/** Ends a schedule; jobs that it has enqueued stay. */
export const removeSchedule = (schema: Schema) => sql<ChangeScheduleInput>`
delete from ${schema.schedule} s where s.name = ${nameText}::text returning s.name`;

/** Enqueues a schedule's job at once, beside its slots, and wakes a sleeping worker for it. Answers its id. */
export const runSchedule = (schema: Schema) => sql<ChangeScheduleInput>`
with enqueued as (
  insert into ${schema.job} (queue, name, version, priority, max_attempts, partition_key, payload, headers)
  select s.queue, s.job_name, s.version, s.priority, s.max_attempts, s.partition_key, s.payload,
    coalesce(s.headers, '{}') || jsonb_build_object('pillion.schedule', s.name)
  from ${schema.schedule} s where s.name = ${nameText}::text
  returning id, queue
), woken as materialized (
  select ${schema.wake}(queue) from enqueued
)
select e.id::text from enqueued e, (select count(*) from woken) w`;

import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/** What a look at one schedule led to. Times are ISO texts. */
export interface ScheduleMove {
  readonly name: string;
  /** Where the schedule was seen: it moves from there, or not at all. */
  readonly revision: string;
  readonly passed: string;
  /** The slots that get their job, ascending. */
  readonly slots: readonly string[];
  /** The last slot that is dealt with; `passed` itself where none was due. */
  readonly upTo: string;
  /** The slot after that; `infinity` where none comes. */
  readonly due: string;
}

export interface FireSchedulesInput {
  readonly moves: readonly ScheduleMove[];
  readonly now?: string | null | undefined;
}

/**
 * Enqueues the jobs of slots and moves their schedules past them, each by compare-and-set: what another has moved,
 * changed or locked meanwhile is left alone, so each slot gets its job once. A slot that is not due by the database's
 * clock, or not past the last one, moves nothing. Answers the names of the schedules that moved, and how many jobs each got.
 */
export const fireSchedules = (schema: Schema) => sql<FireSchedulesInput>`
with input as materialized (
  select i.*, coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now
  from json_to_recordset(${({ moves }) => JSON.stringify(moves)}::text::json)
    as i(name text, revision integer, passed timestamptz, slots jsonb, "upTo" timestamptz, due timestamptz)
), held as materialized (
  select s.*, i.slots, i."upTo", i.due from ${schema.schedule} s
  join input i on i.name = s.name and i.revision = s.revision and i.passed = s.passed
  where s.paused_at is null and i."upTo" <= i.now and i."upTo" >= s.passed
  order by s.name
  for update of s skip locked
), enqueued as (
  insert into ${schema.job} (queue, name, version, priority, max_attempts, partition_key, payload, headers, run_at, state)
  select h.queue, h.job_name, h.version, h.priority, h.max_attempts, h.partition_key, h.payload,
    coalesce(h.headers, '{}') || jsonb_build_object('pillion.schedule', h.name, 'pillion.slot', slot.text),
    slot.text::timestamptz, 'ready'
  from held h cross join lateral jsonb_array_elements_text(h.slots) slot(text)
  order by slot.text::timestamptz, h.name
  returning queue
), moved as (
  update ${schema.schedule} s
  set passed = h."upTo", due_at = h.due, last_slot = coalesce((h.slots ->> -1)::timestamptz, s.last_slot)
  from held h where s.name = h.name
), woken as materialized (
  select ${schema.wake}(queue) from (select distinct queue from enqueued) q
)
select h.name, jsonb_array_length(h.slots)::text as jobs from held h, (select count(*) from woken) w`;

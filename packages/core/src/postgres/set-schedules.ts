import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/** A checked schedule as the statements take it: text, or null. Payload and headers are JSON text. */
export interface ScheduleRow {
  readonly name: string;
  readonly cron: string | null;
  readonly timeZone: string | null;
  readonly everyMs: string | null;
  readonly missed: string;
  readonly jobName: string;
  readonly version: string;
  readonly queue: string;
  readonly priority: string;
  readonly maxAttempts: string;
  readonly partitionKey: string | null;
  readonly payload: string;
  readonly headers: string | null;
}

export interface SetSchedulesInput {
  readonly schedules: readonly ScheduleRow[];
  readonly source: "code" | "runTime";
  readonly now?: string | null | undefined;
}

/**
 * Makes each schedule what it is said to be. One that is so already is not touched; one whose slots are to be others
 * begins anew with those after now; a pause stays. Waits for no row: answers the names of those that somebody else has
 * locked, to be set again later.
 */
export const setSchedules = (schema: Schema) => sql<SetSchedulesInput>`
with input as materialized (
  select i.*, coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now, ${({ source }) => source}::text as source
  from json_to_recordset(${({ schedules }) => `[${schedules.map(rowText).join(",")}]`}::text::json) as i(
    name text, cron text, "timeZone" text, "everyMs" bigint, missed text, "jobName" text, version integer, queue text,
    priority smallint, "maxAttempts" integer, "partitionKey" text, payload jsonb, headers jsonb)
), held as materialized (
  select s.name from ${schema.schedule} s join input i on i.name = s.name
  order by s.name
  for update of s skip locked
), changed as (
  update ${schema.schedule} s
  set cron = i.cron, time_zone = i."timeZone", every_ms = i."everyMs", missed = i.missed, job_name = i."jobName",
    version = i.version, queue = i.queue, priority = i.priority, max_attempts = i."maxAttempts",
    partition_key = i."partitionKey", payload = coalesce(i.payload, 'null'), headers = i.headers, source = i.source,
    revision = s.revision + 1, updated_at = i.now,
    passed = case when (s.cron, s.time_zone, s.every_ms) is distinct from (i.cron, i."timeZone", i."everyMs")
      then greatest(i.now, s.passed) else s.passed end,
    due_at = case when (s.cron, s.time_zone, s.every_ms) is distinct from (i.cron, i."timeZone", i."everyMs")
      then null else s.due_at end
  from input i join held h using (name)
  where s.name = i.name
    and (s.cron, s.time_zone, s.every_ms, s.missed, s.job_name, s.version, s.queue, s.priority, s.max_attempts, s.partition_key, s.payload, s.headers, s.source)
      is distinct from (i.cron, i."timeZone", i."everyMs", i.missed, i."jobName", i.version, i.queue, i.priority, i."maxAttempts", i."partitionKey", coalesce(i.payload, 'null'), i.headers, i.source)
), made as (
  insert into ${schema.schedule} (name, cron, time_zone, every_ms, missed, job_name, version, queue, priority, max_attempts,
    partition_key, payload, headers, source, passed, created_at, updated_at)
  select i.name, i.cron, i."timeZone", i."everyMs", i.missed, i."jobName", i.version, i.queue, i.priority, i."maxAttempts",
    i."partitionKey", coalesce(i.payload, 'null'), i.headers, i.source, i.now, i.now, i.now
  from input i
  where not exists (select from ${schema.schedule} s where s.name = i.name)
  order by i.name
  on conflict (name) do nothing
  returning name
)
select i.name from input i
where not exists (select from held h where h.name = i.name) and not exists (select from made m where m.name = i.name)`;

function rowText({ payload, headers, ...row }: ScheduleRow): string {
  return `${JSON.stringify(row).slice(0, -1)},"payload":${payload},"headers":${headers ?? "null"}}`;
}

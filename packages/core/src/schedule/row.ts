import { defaults } from "../defaults.ts";
import { PillionError } from "../errors.ts";
import type { JobRow } from "../job/job.ts";
import { toRow } from "../job/row.ts";
import type { ScheduleRow } from "../postgres/set-schedules.ts";
import type { Schedule } from "./schedule.ts";

/**
 * The checked schedule as a row, or a promise of it where its job's schema validates asynchronously.
 *
 * @throws InvalidJobError where its job's schema refuses the payload
 */
export function toScheduleRow(schedule: Schedule): ScheduleRow | Promise<ScheduleRow> {
  const naming = (error: unknown): never => {
    if (error instanceof PillionError) error.message = `Schedule "${schedule.name}": ${error.message}`;
    throw error;
  };
  try {
    const job = toRow(schedule.job, defaults.maxPayloadBytes);
    return "then" in job ? job.then((row) => rowOf(schedule, row), naming) : rowOf(schedule, job);
  } catch (error) {
    return naming(error);
  }
}

function rowOf(schedule: Schedule, job: JobRow): ScheduleRow {
  return {
    name: schedule.name,
    cron: schedule.cron?.trim() ?? null,
    timeZone: schedule.cron === undefined ? null : (schedule.timeZone ?? defaults.timeZone),
    everyMs: schedule.everyMs === undefined ? null : String(schedule.everyMs),
    missed: schedule.missed ?? defaults.missed,
    jobName: job.name,
    version: job.version,
    queue: job.queue,
    priority: job.priority,
    maxAttempts: job.maxAttempts,
    partitionKey: job.partitionKey,
    payload: job.payload,
    headers: job.headers,
  };
}

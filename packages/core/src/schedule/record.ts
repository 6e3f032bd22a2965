import { passedOf } from "./plan.ts";
import { timingOf } from "./timing.ts";

/** A schedule as it is stored. Times are by the database's clock. */
export interface ScheduleRecord {
  readonly name: string;
  /** Null where it has an interval. */
  readonly cron: string | null;
  readonly timeZone: string | null;
  /** Null where it has a cron line. */
  readonly everyMs: number | null;
  readonly missed: "skip" | "runOnce";
  /** Who set it last: the options of a worker, or a call at run time. */
  readonly source: "code" | "runTime";
  /** The job that each slot gets. */
  readonly job: {
    readonly name: string;
    readonly version: number;
    readonly queue: string;
    readonly priority: number;
    readonly maxAttempts: number | null;
    readonly partitionKey: string | null;
    readonly payload: unknown;
    readonly headers: Readonly<Record<string, unknown>> | null;
  };
  /** The slot that was fired last; null before the first. */
  readonly lastSlot: Date | null;
  /** The slot that comes next, or is due; null while it is paused, and where none comes. */
  readonly nextSlot: Date | null;
  readonly pausedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Why it cannot be read, and so is not fired; null where all is well. */
  readonly problem: string | null;
}

/** A row of the table as `to_json` writes it. */
interface Stored {
  readonly [column: string]: unknown;
}

export function toScheduleRecord(row: Stored): ScheduleRecord {
  const time = (value: unknown) => (value == null ? null : new Date(value as string));
  const everyMs = row.every_ms as number | null;
  const cron = row.cron as string | null;
  const timeZone = row.time_zone as string | null;
  let problem: string | null = null;
  let nextSlot: Date | null = null;
  try {
    const timing = timingOf({ cron, timeZone, everyMs: everyMs === null ? null : String(everyMs) });
    nextSlot = timing.after(passedOf(row.passed as string)) ?? null;
  } catch (error) {
    problem = (error as Error).message;
  }
  return {
    name: row.name as string,
    cron,
    timeZone,
    everyMs,
    missed: row.missed as ScheduleRecord["missed"],
    source: row.source as ScheduleRecord["source"],
    job: {
      name: row.job_name as string,
      version: row.version as number,
      queue: row.queue as string,
      priority: row.priority as number,
      maxAttempts: row.max_attempts as number | null,
      partitionKey: row.partition_key as string | null,
      payload: row.payload,
      headers: row.headers as Readonly<Record<string, unknown>> | null,
    },
    lastSlot: time(row.last_slot),
    nextSlot: row.paused_at == null ? nextSlot : null,
    pausedAt: time(row.paused_at),
    createdAt: new Date(row.created_at as string),
    updatedAt: new Date(row.updated_at as string),
    problem,
  };
}

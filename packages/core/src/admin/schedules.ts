import { InvalidConfigurationError, InvalidDefinitionError } from "../errors.ts";
import { nameIssueOf } from "../job/names.ts";
import type { ChangeScheduleInput } from "../postgres/change-schedule.ts";
import { type ScheduleRecord, toScheduleRecord } from "../schedule/record.ts";
import { toScheduleRow } from "../schedule/row.ts";
import { type Schedule, scheduleIssueOf } from "../schedule/schedule.ts";
import type { StatementOf } from "../statement.ts";
import type { Link } from "../worker/link.ts";

/** Which schedules to list, where there are many. */
export interface ListSchedulesOptions {
  /** Begins with the name that follows this one. */
  readonly after?: string | undefined;
  /** How many at most; default 1,000. */
  readonly limit?: number | undefined;
}

/** What can be done about schedules at run time. Any running worker notices a change within its `pollMs`. */
export interface ScheduleAdmin {
  /**
   * Makes the schedule what is said here, whether it was there or not. Its first slot is the first after now; a change
   * that leaves cron, timeZone and everyMs as they are moves no slot, and a pause stays.
   *
   * @throws InvalidDefinitionError for a schedule that cannot work, InvalidJobError for a payload that is refused
   */
  set(schedule: Schedule): Promise<void>;
  /** Ends it; what it has enqueued stays. False where there is none of this name. */
  remove(name: string): Promise<boolean>;
  /** Fires no slot until `resume`. False where there is none of this name. */
  pause(name: string): Promise<boolean>;
  /** Goes on with the first slot after now; slots of the pause are not made up for. False where there is none. */
  resume(name: string): Promise<boolean>;
  /** Enqueues its job at once, beside its slots, also while it is paused. Undefined where there is none of this name. */
  runNow(name: string): Promise<{ readonly id: string } | undefined>;
  /** All schedules by name, or a page of them. */
  list(page?: ListSchedulesOptions): Promise<readonly ScheduleRecord[]>;
}

/** How often, and how far apart, to try a schedule whose row somebody has locked. */
const [tries, pauseMs] = [100, 50];

export function scheduleAdmin(link: Link): ScheduleAdmin {
  const { engine } = link;
  const change = async (statement: StatementOf<ChangeScheduleInput>, name: string) => {
    const issue = nameIssueOf(name);
    if (issue !== undefined) throw new InvalidConfigurationError(`The name of a schedule ${issue}.`);
    return (await link.run(statement, { name }))[0];
  };
  return {
    async set(schedule) {
      const issue = scheduleIssueOf(schedule);
      if (issue !== undefined) throw new InvalidDefinitionError(issue);
      const schedules = [await toScheduleRow(schedule)];
      for (let tried = 0; tried < tries; tried++) {
        const locked = await link.run(engine.setSchedules, { schedules, source: "runTime" });
        if (locked.length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      throw new InvalidConfigurationError(
        `Schedule "${schedule.name}" was not set: another transaction has had its row locked for ${(tries * pauseMs) / 1_000} s. Set it again when that one has ended.`,
      );
    },
    remove: async (name) => (await change(engine.removeSchedule, name)) !== undefined,
    pause: async (name) => (await change(engine.pauseSchedule, name)) !== undefined,
    resume: async (name) => (await change(engine.resumeSchedule, name)) !== undefined,
    async runNow(name) {
      const row = await change(engine.runSchedule, name);
      return row && { id: row.id! };
    },
    async list({ after = "", limit = 1_000 } = {}) {
      if (!Number.isInteger(limit) || limit < 1)
        throw new InvalidConfigurationError(`limit is ${String(limit)}, not a whole number of at least 1.`);
      const rows = await link.run(engine.listSchedules, { after, limit });
      return rows.map((row) => toScheduleRecord(JSON.parse(row.schedule!)));
    },
  };
}

import { sqlStateOf } from "../errors.ts";
import type { ScheduleMove } from "../postgres/fire-schedules.ts";
import type { ScheduleRow } from "../postgres/set-schedules.ts";
import { planOf } from "../schedule/plan.ts";
import type { Row } from "../statement.ts";
import { type Logger, oneLine } from "./logger.ts";
import type { UpkeepLink } from "./spare-link.ts";

const schedulesAtOnce = 100;
/** How long to wait for a schedule that somebody has locked. */
const busyMs = 100;
const minuteMs = 60_000;

/**
 * Fires what is due of all schedules, whoever set them. Every worker does it, and none is in charge: a schedule moves
 * by compare-and-set in the statement that enqueues its job.
 */
export class Scheduler {
  /** Schedules of this worker's options that are not in the database yet. */
  #unset: readonly (ScheduleRow | Promise<ScheduleRow>)[];
  /** Schedules that failed here, left to others until a time of performance.now(). */
  readonly #failed = new Map<string, number>();

  constructor(
    private readonly link: UpkeepLink,
    schedules: readonly (ScheduleRow | Promise<ScheduleRow>)[],
    private readonly logger: Logger,
    /** Called when jobs have become ready. */
    private readonly onReady: () => void,
  ) {
    this.#unset = schedules;
  }

  /**
   * Stores the schedules of this worker's options; what somebody has locked is left for the next round.
   *
   * @throws InvalidJobError where a schema that validates asynchronously refuses a payload
   */
  async open(): Promise<void> {
    const schedules = await Promise.all(this.#unset);
    if (schedules.length === 0) return;
    const rows = await this.link.run(this.link.engine.setSchedules, { schedules, source: "code" });
    const locked = new Set(rows.map(({ name }) => name));
    this.#unset = schedules.filter(({ name }) => locked.has(name));
  }

  /**
   * One round; answers in how many milliseconds the next is due.
   *
   * @param dueMs in how many milliseconds the first schedule is due, as promoting jobs has told; null for none
   */
  async round(dueMs: number | null): Promise<number> {
    await this.open();
    if (dueMs === null || dueMs > 0) return dueMs ?? Number.POSITIVE_INFINITY;
    for (const [name, until] of this.#failed) if (performance.now() >= until) this.#failed.delete(name);
    const rows = await this.link.run(this.link.engine.dueSchedules, {
      limit: schedulesAtOnce,
      except: [...this.#failed.keys()],
    });
    const seen = rows.slice(0, -1);
    const now = Date.parse(seen[0]?.now ?? "");
    const moves = seen.flatMap((row) => this.#plan(row) ?? []);
    const moved = await this.#fire(moves);
    const { nextMs } = rows.at(-1)!;
    const waits = [nextMs == null ? Number.POSITIVE_INFINITY : Number(nextMs)];
    // What did not move was moved by another worker, or somebody has it locked.
    for (const { name, due } of moves)
      if (due !== "infinity") waits.push(Math.max(Date.parse(due) - now, moved.has(name) ? 0 : busyMs));
    if (seen.length === schedulesAtOnce)
      waits.push(moved.size > 0 || moves.length < seen.length ? 0 : busyMs);
    return Math.min(...waits);
  }

  #plan(row: Row): ScheduleMove | undefined {
    try {
      return planOf(row);
    } catch (error) {
      this.#leave(row.name!, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Answers the names of the schedules that moved. */
  async #fire(moves: readonly ScheduleMove[]): Promise<ReadonlySet<string>> {
    if (moves.length === 0) return new Set();
    try {
      const rows = await this.link.run(this.link.engine.fireSchedules, { moves });
      if (rows.some(({ jobs }) => jobs !== "0")) this.onReady();
      return new Set(rows.map(({ name }) => name!));
    } catch (error) {
      if (!isOfARow(error)) throw error;
      if (moves.length > 1) {
        // Each by itself: one that cannot be enqueued keeps none of the others.
        const moved: string[] = [];
        for (const move of moves) moved.push(...(await this.#fire([move])));
        return new Set(moved);
      }
      this.#leave(moves[0]!.name, `could not be fired: ${oneLine(error)}`);
      return new Set();
    }
  }

  #leave(name: string, what: string): void {
    this.#failed.set(name, performance.now() + minuteMs);
    this.logger.error(`schedule "${name}" ${what}; trying again in a minute`);
  }
}

/** True where the database refused what a row holds; false where it was away, busy or not for this role. */
function isOfARow(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && ["22", "23", "44", "54", "P0"].includes(state.slice(0, 2));
}

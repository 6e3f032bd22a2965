import { type Logger, oneLine } from "./logger.ts";
import type { Scheduler } from "./scheduler.ts";
import type { UpkeepLink } from "./spare-link.ts";

const rowsAtOnce = 1_000;
const namesAtOnce = 10_000;
const minuteMs = 60_000;
/** Claims may have written many starts within a minute. */
const mostSweepsOfStarts = 100;

/**
 * What some worker has to do for all beside the beat: fire schedules, and once a minute sweep keys, keep the
 * partitions, and name jobs that nobody handles. Every worker does it; each statement takes what no other has locked.
 */
export class Housekeeping {
  #minuteAt = 0;
  #sweptSteps = "0";
  #sweepAfter = { name: "", key: "" };
  #sweepStartsAfter = { queue: "", key: "" };

  constructor(
    private readonly link: UpkeepLink,
    private readonly logger: Logger,
    private readonly scheduler: Scheduler,
  ) {}

  /** One round; answers in how many milliseconds the next is due. */
  async round(scheduleMs: number | null): Promise<number> {
    let nextMs = Number.POSITIVE_INFINITY;
    await this.#do("fire schedules", async () => {
      nextMs = await this.scheduler.round(scheduleMs);
    });
    if (performance.now() >= this.#minuteAt) {
      this.#minuteAt = performance.now() + minuteMs;
      await this.#do("look for names that nobody handles", () => this.#nameUnhandled());
      await this.#do("sweep unique keys", () => this.#sweepKeys());
      await this.#do("sweep starts that no rate limit counts", () => this.#sweepStarts());
      await this.#do("sweep answers of idempotent calls", () =>
        this.link.run(this.link.engine.sweepAnswers, { limit: rowsAtOnce }),
      );
      await this.#do("sweep events", () =>
        this.link.run(this.link.engine.sweepEvents, { limit: rowsAtOnce }),
      );
      await this.#do("sweep steps", () => this.#sweepSteps());
      await this.#do("keep the partitions of finished jobs", () => this.link.run(this.link.engine.keep, {}));
      await this.#do("find workers that have stopped and hold jobs", () =>
        this.link.run(this.link.engine.reopen, { limit: rowsAtOnce }),
      );
      await this.#do("find jobs whose worker is unknown", () =>
        this.link.run(this.link.engine.reinstate, { limit: rowsAtOnce }),
      );
      await this.#do("close the books on silent workers", () =>
        this.link.run(this.link.engine.forgetSilent, { limit: rowsAtOnce }),
      );
      await this.#do("remove workers that have stopped", () =>
        this.link.run(this.link.engine.removeStopped, { limit: rowsAtOnce }),
      );
    }
    return nextMs;
  }

  /** One kind of work that fails never keeps the others from being done. */
  async #do(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Whoever claims says it.
      if (!this.link.closed && !this.link.abandoned)
        this.logger.warn(`could not ${what}, trying again: ${oneLine(error)}`);
    }
  }

  async #nameUnhandled(): Promise<void> {
    const found = await this.link.run(this.link.engine.unhandled, { limit: namesAtOnce });
    for (const { name, queue, jobs } of found)
      this.logger.warn(
        jobs === "1"
          ? `1 job "${name}" waits in queue "${queue}"; no running worker handles it`
          : `${jobs} jobs "${name}" wait in queue "${queue}"; no running worker handles them`,
      );
  }

  async #sweepSteps(): Promise<void> {
    const after = this.#sweptSteps;
    const rows = await this.link.run(this.link.engine.sweepSteps, { limit: 10 * rowsAtOnce, after });
    this.#sweptSteps = rows[0]?.last ?? "0";
  }

  async #sweepKeys(): Promise<void> {
    const { engine } = this.link;
    const last = (await this.link.run(engine.sweepKeys, { limit: rowsAtOnce, after: this.#sweepAfter }))[0];
    this.#sweepAfter = last ? { name: last.name!, key: last.key! } : { name: "", key: "" };
  }

  async #sweepStarts(): Promise<void> {
    const limit = 10 * rowsAtOnce;
    for (let sweeps = 0; sweeps < mostSweepsOfStarts; sweeps++) {
      const input = { keys: rowsAtOnce, limit, after: this.#sweepStartsAfter };
      const last = (await this.link.run(this.link.engine.sweepStarts, input))[0];
      // There may be more of those keys.
      if (Number(last?.removed) === limit) continue;
      this.#sweepStartsAfter = last ? { queue: last.queue!, key: last.key! } : { queue: "", key: "" };
      if (!last) return;
    }
  }
}

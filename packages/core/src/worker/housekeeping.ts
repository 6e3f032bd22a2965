import type { Link } from "./link.ts";
import { type Logger, oneLine } from "./logger.ts";
import type { Scheduler } from "./scheduler.ts";
import { Signal } from "./signal.ts";

const rowsAtOnce = 1_000;
const minuteMs = 60_000;

/**
 * What some worker has to do for all: promote jobs whose time has come, fire schedules, rescue jobs of silent workers, sweep keys,
 * name jobs that nobody handles. Every worker does it; each statement takes what no other has locked.
 */
export class Housekeeping {
  readonly #round = new Signal();
  #stopped = false;
  #running: Promise<void> | undefined;
  #minuteAt = 0;
  #scheduleMs: number | null = null;
  #sweepAfter = { name: "", key: "" };

  constructor(
    private readonly link: Link,
    private readonly pollMs: number,
    private readonly logger: Logger,
    private readonly scheduler: Scheduler,
    /** Called when jobs have become ready. */
    private readonly onReady: () => void,
  ) {}

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#round.notify();
    await this.#running;
  }

  /** One round; answers in how many milliseconds the next is due. */
  async round(): Promise<number> {
    await this.#do("rescue jobs of silent workers", () => this.#rescue());
    let nextMs = this.pollMs;
    await this.#do("promote scheduled jobs", async () => {
      nextMs = await this.#promote();
    });
    await this.#do("fire schedules", async () => {
      nextMs = Math.min(nextMs, await this.scheduler.round(this.#scheduleMs));
    });
    if (performance.now() >= this.#minuteAt) {
      this.#minuteAt = performance.now() + minuteMs;
      await this.#do("look for names that nobody handles", () => this.#nameUnhandled());
      await this.#do("sweep unique keys", () => this.#sweepKeys());
      await this.#do("keep the partitions of finished jobs", () => this.link.run(this.link.engine.keep, {}));
      await this.#do("close the books on silent workers", () =>
        this.link.run(this.link.engine.forgetSilent, {}),
      );
    }
    return nextMs;
  }

  /** Says that a job has been scheduled which is due in `ms`: perhaps before the next round. */
  expect(ms: number): void {
    if (ms < this.pollMs) setTimeout(() => this.#round.notify(), ms).unref();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) await this.#round.wait(await this.round());
  }

  /** One kind of work that fails never keeps the others from being done. */
  async #do(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.#stopped) return;
    try {
      await work();
    } catch (error) {
      this.logger.warn(`could not ${what}, trying again: ${oneLine(error)}`);
    }
  }

  async #rescue(): Promise<void> {
    const rows = await this.link.run(this.link.engine.rescue, { limit: rowsAtOnce });
    for (const { id, name, attempt, state } of rows) {
      const what = state === "dead" ? "is dead: that was its last attempt" : "is ready again";
      this.logger.warn(`job ${id} "${name}": its worker fell silent in attempt ${attempt}; the job ${what}`);
    }
    if (rows.some(({ state }) => state === "ready")) this.onReady();
  }

  async #promote(): Promise<number> {
    const row = (await this.link.run(this.link.engine.promote, { limit: rowsAtOnce }))[0]!;
    this.#scheduleMs = row.scheduleMs == null ? null : Number(row.scheduleMs);
    const promoted = Number(row.promoted);
    if (promoted > 0) this.onReady();
    if (promoted === rowsAtOnce) return 0;
    return row.nextMs == null ? this.pollMs : Math.min(this.pollMs, Number(row.nextMs));
  }

  async #nameUnhandled(): Promise<void> {
    for (const { name, queue, jobs } of await this.link.run(this.link.engine.unhandled, {}))
      this.logger.warn(
        jobs === "1"
          ? `1 job "${name}" waits in queue "${queue}"; no running worker handles it`
          : `${jobs} jobs "${name}" wait in queue "${queue}"; no running worker handles them`,
      );
  }

  async #sweepKeys(): Promise<void> {
    const { engine } = this.link;
    const last = (await this.link.run(engine.sweepKeys, { limit: rowsAtOnce, after: this.#sweepAfter }))[0];
    this.#sweepAfter = last ? { name: last.name!, key: last.key! } : { name: "", key: "" };
  }
}

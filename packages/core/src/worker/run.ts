import { hostname } from "node:os";
import { Attempt, type Outcome } from "./attempt.ts";
import type { Handler } from "./handler.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { Link } from "./link.ts";
import { oneLine } from "./logger.ts";
import { Outcomes } from "./outcomes.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorkerSettings } from "./settings.ts";
import { Signal } from "./signal.ts";
import { WakeUp } from "./wake-up.ts";

/** Looks at growing gaps before the worker says that it sleeps: a busy queue wakes nobody. */
const gapsMs = [5, 20, 80, 160];

/** A worker between its start and its stop: takes jobs, runs them, writes what became of them. */
export class Run {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #attempts = new Set<Attempt>();
  readonly #wake = new Signal();
  readonly #ended = new Signal();
  readonly #outcomes: Outcomes;
  readonly #scheduler: Scheduler;
  readonly #housekeeping: Housekeeping;
  readonly #wakeUp: WakeUp;
  #heartbeat!: Heartbeat;
  #worker!: string;
  #loop: Promise<void> | undefined;
  #stopping = false;
  #ran = 0;
  #failed = 0;

  constructor(
    private readonly link: Link,
    private readonly settings: WorkerSettings,
  ) {
    const { handlers, logger, pollMs, queues, openSession } = settings;
    this.#handlers = new Map(
      handlers.map((handler) => [`${handler.jobType.name}@${handler.jobType.version}`, handler]),
    );
    this.#outcomes = new Outcomes(link, logger);
    const onReady = () => this.#wake.notify();
    this.#scheduler = new Scheduler(link, settings.schedules, logger, onReady);
    this.#housekeeping = new Housekeeping(link, pollMs, logger, this.#scheduler, onReady);
    this.#wakeUp = new WakeUp(link, openSession, queues, this.#wake, logger);
  }

  /** Registers the worker and starts its heartbeat. */
  async open(): Promise<void> {
    await this.#scheduler.open();
    const { handlers, queues, concurrency, leaseMs, logger } = this.settings;
    const rows = await this.link.run(this.link.engine.register, {
      label: `${hostname()} ${process.pid}`,
      queues,
      names: [...new Set(handlers.map((handler) => handler.jobType.name))],
      concurrency,
      leaseMs,
    });
    this.#worker = rows[0]!.id!;
    this.#heartbeat = new Heartbeat(this.link, this.#worker, leaseMs, this.#attempts, logger);
    this.#heartbeat.start();
  }

  /** Takes and runs jobs until close(). */
  begin(): void {
    this.#housekeeping.start();
    void this.#wakeUp.connect();
    this.#loop = this.#takeJobs();
  }

  /** Takes and runs jobs until none is ready, or a bound is reached. */
  async drain(maxMs: number, maxJobs: number): Promise<{ ran: number; failed: number; more: boolean }> {
    const until = performance.now() + maxMs;
    await this.#housekeeping.round();
    let more = true;
    let claimed = 0;
    while (!this.#stopping && performance.now() < until && claimed < maxJobs) {
      const wanted = Math.min(this.settings.concurrency - this.#attempts.size, maxJobs - claimed);
      const taken = wanted > 0 ? await this.#take(wanted) : 0;
      claimed += taken;
      if (taken > 0) continue;
      if (wanted > 0 && this.#attempts.size === 0) {
        more = false;
        break;
      }
      await this.#ended.wait(until - performance.now());
    }
    await this.#endAttempts(Math.max(until - performance.now(), 0));
    return { ran: this.#ran, failed: this.#failed, more };
  }

  /** Takes no more jobs, lets running ones end for `graceMs`, then hands them back. Never throws. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#wake.notify();
    await this.#loop;
    await this.#endAttempts(graceMs);
    await Promise.all([this.#housekeeping.stop(), this.#heartbeat.stop(), this.#wakeUp.close()]);
    try {
      await this.link.run(this.link.engine.depart, { worker: this.#worker });
    } catch (error) {
      this.settings.logger.warn(
        `could not sign off; the lease of this worker runs out by itself: ${oneLine(error)}`,
      );
    }
  }

  async #takeJobs(): Promise<void> {
    let gap = 0;
    while (!this.#stopping) {
      const free = this.settings.concurrency - this.#attempts.size;
      if (free <= 0) {
        this.#wakeUp.wakeUp();
        await this.#wake.wait(this.settings.pollMs);
        continue;
      }
      if ((await this.#take(free)) > 0) {
        gap = 0;
        continue;
      }
      if (gap < gapsMs.length) {
        this.#wakeUp.wakeUp();
        await this.#wake.wait(Math.min(gapsMs[gap]!, this.settings.pollMs));
        gap++;
      } else if (gap === gapsMs.length) {
        // Said first, looked after: what commits between the last look and the saying is seen by this look.
        await this.#wakeUp.fallAsleep();
        gap++;
      } else if (await this.#wake.wait(this.settings.pollMs)) gap = 0;
      else gap = gapsMs.length;
    }
    this.#wakeUp.wakeUp();
  }

  /** Claims up to `limit` jobs and starts them; answers how many. A database that is away is waited for. */
  async #take(limit: number): Promise<number> {
    const { queues, logger, pollMs } = this.settings;
    try {
      // A worker that was frozen may have been given up: it must be known to live before it holds anything.
      if (!this.#heartbeat.leased && !(await this.#heartbeat.beat())) {
        await this.#wake.wait(pollMs);
        return 0;
      }
      const rows = await this.link.run(this.link.engine.claim, {
        worker: this.#worker,
        queues: rotate(queues),
        types: this.settings.handlers.map(({ jobType: { name, version } }) => ({ name, version })),
        limit,
      });
      rows
        .toSorted(
          (a, b) => Number(b.priority) - Number(a.priority) || Number(a.position) - Number(b.position),
        )
        .forEach((row) => {
          const attempt = new Attempt(row, this.#handlers.get(`${row.name}@${row.version}`)!);
          this.#attempts.add(attempt);
          void this.#see(attempt);
        });
      return rows.length;
    } catch (error) {
      logger.warn(`could not claim jobs, trying again: ${oneLine(error)}`);
      await this.#wake.wait(pollMs);
      return 0;
    }
  }

  /** Sees an attempt through to the writing of its outcome. */
  async #see(attempt: Attempt): Promise<void> {
    const outcome = await attempt.run();
    this.#report(attempt, outcome);
    if ((await this.#outcomes.write(attempt, outcome)) === "lost")
      this.settings.logger.warn(
        `${attempt} ended after its lease had passed on: its outcome (${outcome.verb}) was not written`,
      );
    if (outcome.verb === "retry") this.#housekeeping.expect(outcome.delayMs);
    this.#attempts.delete(attempt);
    this.#wake.notify();
    this.#ended.notify();
  }

  #report(attempt: Attempt, outcome: Outcome): void {
    const { logger } = this.settings;
    if (outcome.verb === "complete" || outcome.verb === "retry" || outcome.verb === "discard") this.#ran++;
    if (outcome.verb === "retry" || outcome.verb === "discard") {
      this.#failed++;
      const said = `${attempt} failed: ${outcome.error.name}: ${outcome.error.message.split("\n", 1)[0]}`;
      if (outcome.verb === "discard") logger.error(`${said}; the job is dead`);
      else logger.warn(`${said}; next attempt in ${outcome.delayMs} ms`);
    }
  }

  async #endAttempts(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    await this.#attemptsEnd(until);
    for (const attempt of this.#attempts) attempt.stop();
    await this.#attemptsEnd(performance.now() + Math.max(1_000, graceMs));
    this.#outcomes.giveUp();
    await this.#attemptsEnd(Number.POSITIVE_INFINITY);
  }

  async #attemptsEnd(until: number): Promise<void> {
    for (;;) {
      const left = until - performance.now();
      if (this.#attempts.size === 0 || left <= 0) return;
      await this.#ended.wait(Math.min(left, 60_000));
    }
  }
}

/** Another first queue at each claim: no queue waits for the others for ever. */
function rotate<T>(items: readonly T[]): readonly T[] {
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

import { hostname } from "node:os";
import type { Attempt } from "./attempt.ts";
import { Crew, type CrewContext } from "./crew.ts";
import type { Handler } from "./handler.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { Link } from "./link.ts";
import { oneLine } from "./logger.ts";
import type { Outcome } from "./outcome.ts";
import { Outcomes } from "./outcomes.ts";
import { Pulse } from "./pulse.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorkerSettings } from "./settings.ts";
import { Signal } from "./signal.ts";
import { WakeUp } from "./wake-up.ts";

/** From so many in one claim on, a second one is made beside it. */
const manyJobs = 100;
/** How often it looks after timeouts, and after jobs that wait for a slot for too long. */
const watchMs = 20;
/** For so long after it had jobs it looks for more before it says that it sleeps. */
const awakeMs = 20;
/** Without a connection to be woken on it looks at growing gaps, for so long after it had jobs. */
const alertMs = 5_000;
const longestGapMs = 80;

/** A worker between its start and its stop: takes jobs, runs them, writes what became of them. */
export class Run {
  readonly #attempts = new Set<Attempt>();
  readonly #ended = new Signal();
  readonly #outcomes: Outcomes;
  readonly #scheduler: Scheduler;
  readonly #housekeeping: Housekeeping;
  readonly #wakeUp: WakeUp;
  readonly #crews: readonly Crew[];
  #pulse!: Pulse;
  #worker!: string;
  #loops: Promise<unknown> | undefined;
  #watch: NodeJS.Timeout | undefined;
  #stopping = false;
  #ran = 0;
  #failed = 0;

  constructor(
    private readonly link: Link,
    private readonly settings: WorkerSettings,
  ) {
    const { handlers, schedules, logger, openSession, leaseMs } = settings;
    this.#outcomes = new Outcomes(link, logger);
    const context: CrewContext = {
      link,
      logger,
      leaseMs,
      handlers: new Map(
        handlers.map((handler): [string, Handler] => [
          `${handler.jobType.name}@${handler.jobType.version}`,
          handler,
        ]),
      ),
      attempts: this.#attempts,
      worker: () => this.#worker,
      write: (attempt, outcome) => this.#write(attempt, outcome),
      onEnd: (attempt, outcome) => this.#report(attempt, outcome),
      onWritten: () => this.#ended.notify(),
    };
    this.#crews = settings.crews.map(({ queues, concurrency }) => new Crew(queues, concurrency, context));
    this.#scheduler = new Scheduler(link, schedules, logger, () => this.#wake());
    this.#housekeeping = new Housekeeping(link, logger, this.#scheduler);
    this.#wakeUp = new WakeUp(
      link,
      openSession,
      (queue) => this.#wake(queue),
      (worker) => worker === this.#worker && this.#pulse.hurry(),
      logger,
    );
  }

  /** Registers the worker, stores its schedules and subscriptions, and makes it ready to beat. */
  async open(): Promise<void> {
    const { handlers, crews, leaseMs } = this.settings;
    const rows = await this.link.run(this.link.engine.register, {
      label: `${hostname()} ${process.pid}`,
      queues: crews.flatMap(({ queues }) => queues),
      names: [...new Set(handlers.map((handler) => handler.jobType.name))],
      concurrency: crews.reduce((sum, { concurrency }) => sum + concurrency, 0),
      leaseMs,
    });
    this.#worker = rows[0]!.id!;
    this.#pulse = new Pulse(
      this.link,
      this.settings,
      this.#worker,
      this.#attempts,
      this.#crews,
      this.#wakeUp,
      this.#housekeeping,
    );
    await this.#scheduler.open();
    const { subscriptions } = this.settings;
    if (subscriptions.length > 0) await this.link.run(this.link.engine.subscribe, { subscriptions });
    this.#watch = setInterval(() => {
      const now = performance.now();
      for (const crew of this.#crews) crew.watch(now);
    }, watchMs);
  }

  /** Takes and runs jobs until close(). */
  begin(): void {
    void this.#wakeUp.connect();
    this.#pulse.start();
    this.#loops = Promise.all(this.#crews.flatMap((crew) => [this.#takeJobs(crew), this.#takeAlong(crew)]));
  }

  /** Takes and runs jobs until none is ready, or a bound is reached. */
  async drain(maxMs: number, maxJobs: number): Promise<{ ran: number; failed: number; more: boolean }> {
    // Time to hand back what does not end.
    const handBackMs = Math.min(1_000, maxMs / 5);
    const until = performance.now() + maxMs - handBackMs;
    await this.#pulse.round();
    this.#pulse.start();
    let more = true;
    let claimed = 0;
    while (!this.#stopping && performance.now() < until && claimed < maxJobs) {
      let taken = 0;
      for (const crew of this.#crews) {
        taken += await crew.step(Math.min(crew.room, maxJobs - claimed - taken));
      }
      claimed += taken;
      if (taken > 0) continue;
      if (this.#attempts.size === 0) {
        more = false;
        break;
      }
      if (!this.#crews.some(({ hasOutcomes }) => hasOutcomes))
        await this.#ended.wait(Math.min(until - performance.now(), 1_000));
    }
    await this.#endAttempts(Math.max(until - performance.now(), 0), handBackMs);
    return { ran: this.#ran, failed: this.#failed, more };
  }

  /** Takes no more jobs, lets running ones end for `graceMs`, then hands them back. Never throws. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const crew of this.#crews) {
      crew.wake.notify();
      crew.busy.notify();
    }
    await this.#loops;
    await this.#endAttempts(graceMs);
    clearInterval(this.#watch);
    await this.#pulse?.stop();
    await this.#wakeUp.close();
    try {
      await this.link.run(this.link.engine.depart, { worker: this.#worker });
    } catch (error) {
      this.settings.logger.warn(
        `could not sign off; the lease of this worker runs out by itself: ${oneLine(error)}`,
      );
    }
  }

  async #takeJobs(crew: Crew): Promise<void> {
    const { pollMs, logger } = this.settings;
    const { wake } = crew;
    let foundAt = performance.now();
    let streak = 0;
    while (!this.#stopping) {
      // A worker that was frozen may have been given up: it must be known to live before it holds anything.
      if (!this.#pulse.leases.current && !(await this.#pulse.beat())) {
        await wake.wait(Math.min(pollMs, 1_000));
        continue;
      }
      // What ends in one turn of the event loop is written together.
      await new Promise(setImmediate);
      const { room } = crew;
      if (room === 0 && !crew.hasOutcomes) {
        this.#wakeUp.awake(crew.queues);
        await wake.wait(pollMs);
        continue;
      }
      try {
        const taken = await crew.step(room);
        if (taken > 0) {
          foundAt = performance.now();
          if (taken >= manyJobs) crew.busy.notify();
          // One job now and then is told of by its commit; a stream of them is looked for.
          if (++streak > 2) this.#wakeUp.awake(crew.queues);
          continue;
        }
      } catch (error) {
        logger.warn(`could not claim and complete jobs, trying again: ${oneLine(error)}`);
        await wake.wait(Math.min(pollMs, 1_000));
        continue;
      }
      if (room > 0 && !crew.hasOutcomes) {
        if (await this.#rest(crew, performance.now() - foundAt)) streak = 0;
      }
    }
    this.#wakeUp.awake(crew.queues);
  }

  /** Where jobs come in hundreds, a second connection claims and completes beside the first. */
  async #takeAlong(crew: Crew): Promise<void> {
    // With one slot the order of claims is the order of runs.
    if (crew.concurrency === 1) return;
    while (!this.#stopping) {
      await crew.busy.wait(60_000);
      try {
        while (!this.#stopping && crew.room >= manyJobs && (await crew.step(crew.room)) >= manyJobs)
          await new Promise(setImmediate);
      } catch {
        // The first connection says it, and waits.
      }
    }
  }

  /** Waits for jobs, for as long as it makes sense; true where it slept. */
  async #rest(crew: Crew, idleMs: number): Promise<boolean> {
    const { wake } = crew;
    if (this.#wakeUp.sleeps(crew.queues)) {
      await crew.sleep(60_000);
      return true;
    }
    if (idleMs < awakeMs) {
      await wake.wait(5);
      return false;
    }
    if (this.#wakeUp.connected) {
      // Said first, looked after: what commits between the last look and the saying is seen by this look.
      const answer = await this.#pulse.beat(crew.queues);
      if (answer && !answer.ready && !this.#stopping) await crew.sleep(60_000);
      return true;
    }
    const gapMs = idleMs < alertMs ? Math.min(Math.max(5, idleMs / 4), longestGapMs) : this.settings.pollMs;
    await wake.wait(Math.min(gapMs, this.settings.pollMs));
    return true;
  }

  #wake(queue?: string): void {
    for (const crew of this.#crews)
      if (queue === undefined || crew.queues.includes(queue)) crew.wake.notify();
  }

  async #write(attempt: Attempt, outcome: Outcome): Promise<void> {
    const status = await this.#outcomes.write(attempt, outcome);
    if (status === "lost" && outcome.verb !== "release")
      this.settings.logger.warn(
        `${attempt} ended after its lease had passed on: its outcome (${outcome.verb}) was not written`,
      );
    if (outcome.verb === "retry" || outcome.verb === "snooze") this.#pulse.expect(outcome.delayMs);
  }

  #report(attempt: Attempt, outcome: Outcome): void {
    const { logger } = this.settings;
    const { verb } = outcome;
    if (verb === "complete" || verb === "retry" || verb === "discard") this.#ran++;
    if (verb === "retry" || verb === "discard") {
      this.#failed++;
      const said = `${attempt} failed: ${outcome.error.name}: ${outcome.error.message.split("\n", 1)[0]}`;
      if (verb === "discard") logger.error(`${said}; the job is dead`);
      else logger.warn(`${said}; next attempt in ${outcome.delayMs} ms`);
    }
    this.#ended.notify();
  }

  async #endAttempts(graceMs: number, handBackMs = Math.max(1_000, graceMs)): Promise<void> {
    for (const crew of this.#crews) crew.stopTaking();
    const until = performance.now() + graceMs;
    await this.#attemptsEnd(until);
    for (const crew of this.#crews) crew.stopRunning();
    await this.#attemptsEnd(performance.now() + handBackMs);
    this.#outcomes.giveUp();
    for (const crew of this.#crews) crew.giveUp();
    await this.#attemptsEnd(Number.POSITIVE_INFINITY);
  }

  /** Waits until all attempts have ended and what became of them is written. */
  async #attemptsEnd(until: number): Promise<void> {
    for (;;) {
      for (const crew of this.#crews)
        if (crew.hasOutcomes)
          await crew.step(0).catch((error) => {
            this.settings.logger.warn(`could not complete jobs, trying again: ${oneLine(error)}`);
          });
      const left = until - performance.now();
      if (this.#attempts.size === 0 || left <= 0) return;
      await this.#ended.wait(Math.min(left, 50));
    }
  }
}

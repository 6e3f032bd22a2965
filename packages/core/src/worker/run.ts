import type { Handler } from "../handler/handler.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { sayFailure } from "./attempt/failure-line.ts";
import type { Outcome, Written } from "./attempt/outcome.ts";
import { Outcomes } from "./attempt/outcomes.ts";
import { proveEffects } from "./attempt/prove-effects.ts";
import { StepWriter } from "./attempt/step-writer.ts";
import { ClaimsUnderWay } from "./claims-under-way.ts";
import { Crew } from "./crew/crew.ts";
import type { CrewContext } from "./crew/crew-context.ts";
import { CrewLoop } from "./crew/crew-loop.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { Link } from "./link.ts";
import { listed } from "./listed.ts";
import { oneLine } from "./logger.ts";
import { Pulse } from "./pulse.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorkerSettings } from "./settings.ts";
import { Signal } from "./signal.ts";
import { SpareLink } from "./spare-link.ts";
import { WakeUp } from "./wake-up.ts";
import { within } from "./within.ts";
import { workerLabel } from "./worker-label.ts";

/** How often it looks after timeouts, and after jobs that wait for a slot for too long. */
const watchMs = 20;
/** For so long a worker that stops waits for statements that are under way, once it has handed back what still runs. */
const lastMs = 5_000;
/** So often it looks whether the database is closed, where an answer does not come. */
const probeMs = 1_000;

/** A worker between its start and its stop: takes jobs, runs them, writes what became of them. */
export class Run {
  readonly #attempts = new Set<Attempt>();
  readonly #underWay = new ClaimsUnderWay();
  readonly #ended = new Signal();
  readonly #outcomes: Outcomes;
  readonly #scheduler: Scheduler;
  readonly #housekeeping: Housekeeping;
  readonly #wakeUp: WakeUp;
  readonly #crews: readonly Crew[];
  #pulse!: Pulse;
  #worker!: string;
  #loops: readonly CrewLoop[] = [];
  #watch: NodeJS.Timeout | undefined;
  #stopping = false;
  #ending: Promise<readonly Attempt[] | undefined> | undefined;
  #completing: Promise<void> | undefined;
  #completeAt = 0;
  #completePauseMs = 0;
  #ran = 0;
  #handedBack = 0;
  #failed = 0;

  constructor(
    private readonly link: Link,
    private readonly settings: WorkerSettings,
  ) {
    const { handlers, schedules, logger, openSession, leaseMs } = settings;
    this.#outcomes = new Outcomes(link, logger);
    const context: CrewContext = {
      link,
      steps: new StepWriter(link),
      underWay: this.#underWay,
      stepping: new Set(),
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
      around: settings.around,
      write: (attempt, outcome) => this.#write(attempt, outcome),
      onStart: (attempt) => settings.hooks.started(attempt),
      onEnd: (attempt, outcome) => this.#report(attempt, outcome),
      onWritten: (attempt, outcome, written) => {
        if (outcome.verb === "release") this.#handedBack++;
        // Its parent is found by a beat.
        if (attempt.job.more?.child) this.#pulse.hurry();
        settings.hooks.written(attempt, outcome, written);
        this.#ended.notify();
      },
    };
    this.#crews = settings.crews.map(({ queues, concurrency }) => new Crew(queues, concurrency, context));
    this.#wakeUp = new WakeUp(
      link,
      openSession,
      (queue) => this.#call(queue),
      (worker) => worker === this.#worker && this.#pulse.hurry(),
      logger,
    );
    const spare = new SpareLink(link, this.#wakeUp);
    this.#scheduler = new Scheduler(spare, schedules, logger, () => this.#wake());
    this.#housekeeping = new Housekeeping(spare, logger, this.#scheduler);
  }

  /** Makes it known to all workers; answers what tells its database from a copy. */
  async #register(): Promise<string> {
    const { handlers, crews, leaseMs } = this.settings;
    const rows = await this.link.run(this.link.engine.register, {
      label: workerLabel(),
      queues: crews.flatMap(({ queues }) => queues),
      names: [...new Set(handlers.map((handler) => handler.jobType.name))],
      concurrency: crews.reduce((sum, { concurrency }) => sum + concurrency, 0),
      leaseMs,
    });
    this.#worker = rows[0]!.id!;
    this.settings.hooks.setClock(Number(rows[0]!.now));
    return rows[0]!.nonce!;
  }

  /** Registers the worker, stores its schedules and subscriptions, and makes it ready to beat. */
  async open(): Promise<void> {
    const nonce = await this.#register();
    try {
      await proveEffects(this.settings.handlers, this.#worker, nonce);
    } catch (error) {
      // It never was: others must not wait for its lease.
      await this.link.run(this.link.engine.depart, { worker: this.#worker }).catch(() => {});
      throw error;
    }
    this.#pulse = new Pulse(
      this.link,
      this.settings,
      () => this.#worker,
      () => this.#register(),
      this.#attempts,
      this.#underWay,
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
    this.#loops = this.#crews.map((crew) => new CrewLoop(crew, this.#pulse, this.#wakeUp, this.settings));
    for (const loop of this.#loops) loop.start();
  }

  /** Takes and runs jobs until none is ready, or a bound is reached. */
  async drain(maxMs: number, maxJobs: number): Promise<{ ran: number; failed: number; more: boolean }> {
    // Time to hand back what does not end, and to sign off.
    const backMs = Math.min(1_000, maxMs / 5);
    const until = performance.now() + maxMs - backMs;
    // Where handlers, or others, hold all connections of the pool, a statement waits for one: nothing here waits longer.
    const left = () => Math.max(until - performance.now(), 0);
    await within(left(), this.#pulse.round());
    this.#pulse.start();
    let more = true;
    let claimed = 0;
    // Whether a beat has told of keys since anything ran.
    let told = true;
    while (!this.#stopping && performance.now() < until) {
      // What was claimed ahead and did not get to run in time counts for nothing.
      const handedBack = this.#handedBack;
      const most = maxJobs - claimed + handedBack;
      const idle = this.#attempts.size === 0;
      let taken = 0;
      // One that is late hands back what it brings.
      for (const crew of this.#crews)
        taken += (await within(left(), crew.step(Math.min(crew.room, most - taken), idle))) ?? 0;
      if (left() === 0) break;
      claimed += taken;
      if (taken > 0) {
        told = false;
        continue;
      }
      if (this.#attempts.size === 0) {
        if (handedBack < this.#handedBack) continue;
        // What ran may have enqueued more, behind the back of a look that had begun before.
        if (!told) {
          told = true;
          await within(left(), this.#pulse.beat());
          continue;
        }
        more = most === 0;
        break;
      }
      if (!this.#crews.some(({ hasOutcomes }) => hasOutcomes))
        await this.#ended.wait(Math.min(left(), 1_000));
    }
    await this.#endAttempts(left(), backMs / 2);
    return { ran: this.#ran, failed: this.#failed, more };
  }

  /**
   * Takes no more jobs, lets running ones end for `graceMs`, then hands them back. Never throws. Statements that wait
   * for a connection, because handlers that do not heed their signals hold them all, or for a database that does not
   * answer, are not waited for in the end, or after `deadline`.
   */
  async close(graceMs: number, deadline?: number): Promise<void> {
    const { link } = this;
    const { logger } = this.settings;
    this.#stopping = true;
    // What the application has closed before its time is not what the worker has of its own.
    link.goOn(() => this.#wakeUp.session);
    // A claim that is under way may wait for a connection of a handler's, and that handler for its signal.
    const looped = Promise.all(this.#loops.map((loop) => loop.stop()));
    const unwritten = await this.#endAttempts(graceMs);
    clearInterval(this.#watch);
    const until = deadline ?? performance.now() + lastMs;
    const left = () => Math.max(until - performance.now(), 0);
    await within(left(), looped);
    await within(left(), Promise.resolve(this.#pulse?.stop()));
    if (unwritten === undefined)
      try {
        const signOffMs = deadline === undefined ? Math.max(left(), 1_000) : left();
        await within(signOffMs, link.run(link.engine.depart, { worker: this.#worker }));
      } catch (error) {
        logger.warn(`could not sign off; the lease of this worker runs out by itself: ${oneLine(error)}`);
      }
    link.abandon(noAnswer());
    await this.#wakeUp.close();
    if (unwritten !== undefined || link.closed) logger.warn(this.#lastWords(unwritten));
  }

  /** What an application is told whose worker could not stop as it should. */
  #lastWords(unwritten: readonly Attempt[] | undefined): string {
    const { link, settings } = this;
    const closed = `its ${link.database.name} was closed before it. Stop the worker first, and then close what it works on.`;
    if (unwritten === undefined) return `this worker has stopped, but ${closed}`;
    const what =
      unwritten.length > 0
        ? `what became of ${unwritten.length === 1 ? "1 job" : `${unwritten.length} jobs`} (${listed(unwritten)})`
        : "all that it sent";
    return `this worker has stopped before the database had taken ${what}: ${link.closed ? closed : "no answer came."} Within ${settings.leaseMs} ms what it holds there passes on to other workers, which run it again.`;
  }

  #wake(queue?: string): void {
    for (const crew of this.#crews)
      if (queue === undefined || crew.queues.includes(queue)) crew.wake.notify();
  }

  #call(queue?: string): void {
    if (queue === undefined) this.#wake();
    else for (const crew of this.#crews) if (crew.queues.includes(queue)) crew.call();
  }

  async #write(attempt: Attempt, outcome: Outcome): Promise<Written> {
    const status = await this.#outcomes.write(attempt, outcome);
    if (status === "lost" && outcome.verb !== "release")
      this.settings.logger.warn(
        `${attempt} ended after its lease had passed on: its outcome (${outcome.verb}) was not written`,
      );
    if (outcome.verb === "retry" || outcome.verb === "snooze") {
      this.#pulse.expect(outcome.delayMs);
      // It is ready already, and a claim that began before may not have seen it.
      if (outcome.delayMs <= 0) this.#wake(attempt.job.queue);
    }
    return status;
  }

  #report(attempt: Attempt, outcome: Outcome): void {
    const { verb } = outcome;
    if (verb === "complete" || verb === "committed" || verb === "retry" || verb === "discard") this.#ran++;
    if (verb === "retry" || verb === "discard") this.#failed++;
    sayFailure(this.settings.logger, attempt, outcome);
    this.#ended.notify();
  }

  /** Ends them once; answers those of which nobody has heard what became of them, undefined where all is well. */
  #endAttempts(graceMs: number, backMs = Math.max(1_000, graceMs)): Promise<readonly Attempt[] | undefined> {
    this.#ending ??= this.#end(graceMs, backMs);
    return this.#ending;
  }

  async #end(graceMs: number, backMs: number): Promise<readonly Attempt[] | undefined> {
    for (const crew of this.#crews) crew.stopTaking();
    await this.#attemptsEnd(performance.now() + graceMs);
    // Those that do not heed their signals may hold all connections of the pool.
    this.link.beside = this.#wakeUp;
    for (const crew of this.#crews) crew.stopRunning();
    await this.#attemptsEnd(performance.now() + backMs);
    if (this.#attempts.size === 0) return undefined;
    const unwritten = [...this.#attempts];
    this.#outcomes.giveUp();
    for (const crew of this.#crews) crew.giveUp();
    this.link.abandon(noAnswer());
    return unwritten;
  }

  get #allWritten(): boolean {
    return this.#attempts.size === 0 && !this.#underWay.any;
  }

  /** Waits until all attempts have ended and what became of them is written, or it is certain that it cannot be. */
  async #attemptsEnd(until: number): Promise<void> {
    let now = performance.now();
    let probeAt = now + probeMs;
    while (!this.#allWritten && now < until) {
      if (![...this.#attempts].some(({ handling }) => handling)) {
        if (this.link.closed && !this.#wakeUp.connected) return;
        if (now >= probeAt) {
          probeAt = now + probeMs;
          this.link.probe();
        }
      }
      if (now >= this.#completeAt && this.#crews.some(({ hasOutcomes }) => hasOutcomes))
        this.#completing ??= this.#complete().finally(() => {
          this.#completing = undefined;
          this.#ended.notify();
        });
      await this.#ended.wait(Math.min(until - now, 50));
      now = performance.now();
    }
  }

  /** Completes what has ended; where that fails it is tried again, less and less often. */
  async #complete(): Promise<void> {
    for (const crew of this.#crews)
      if (crew.hasOutcomes)
        try {
          await crew.step(0);
          this.#completePauseMs = 0;
        } catch (error) {
          this.#completePauseMs = Math.min(Math.max(2 * this.#completePauseMs, 20), 2_000);
          this.#completeAt = performance.now() + this.#completePauseMs;
          this.settings.logger.warn(`could not complete jobs, trying again: ${oneLine(error)}`);
        }
  }
}

const noAnswer = () => new Error("this worker has stopped, and waits for no answer any more");

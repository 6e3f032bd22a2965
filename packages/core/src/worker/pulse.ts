import { readTick, type TickAnswer } from "../postgres/tick.ts";
import type { Attempt } from "./attempt/attempt.ts";
import type { ClaimsUnderWay } from "./claims-under-way.ts";
import type { Crew } from "./crew/crew.ts";
import type { Housekeeping } from "./housekeeping.ts";
import { Leases } from "./leases.ts";
import type { Link } from "./link.ts";
import { oneLine } from "./logger.ts";
import { sayRescued } from "./rescued.ts";
import type { WorkerSettings } from "./settings.ts";
import { Signal } from "./signal.ts";
import type { WakeUp } from "./wake-up.ts";

const rowsAtOnce = 1_000;
/** Another worker brings events together at this moment. */
const soonAgainMs = 20;

/**
 * The worker's beat: one small statement, on a connection of its own where it has one, that renews the lease of all
 * its jobs, does what is due for all workers, and looks whether there is work. An idle worker sends nothing else.
 */
export class Pulse {
  readonly leases: Leases;
  readonly #due = new Signal();
  #stopped = false;
  #running: Promise<void> | undefined;
  #keeping: Promise<void> | undefined;
  #beating: Promise<TickAnswer | undefined> | undefined;
  #scheduleMs: number | null = null;
  #shared = false;

  constructor(
    private readonly link: Link,
    private readonly settings: WorkerSettings,
    private readonly worker: () => string,
    /** Makes the worker known again, by another id. */
    private readonly register: () => Promise<unknown>,
    attempts: ReadonlySet<Attempt>,
    underWay: ClaimsUnderWay,
    private readonly crews: readonly Crew[],
    private readonly wakeUp: WakeUp,
    private readonly housekeeping: Housekeeping,
  ) {
    this.leases = new Leases(link, settings.leaseMs, attempts, underWay, settings.logger);
  }

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#due.notify();
    await this.#running;
    await this.#keeping;
  }

  /** Whether other workers take jobs of its queues too, as of the last beat. */
  get shared(): boolean {
    return this.#shared;
  }

  /** Beats soon: something may have happened that only a beat tells. */
  hurry(): void {
    this.#due.notify();
  }

  /** Says that a job has been scheduled which is due in `ms`: perhaps before the next beat. */
  expect(ms: number): void {
    if (ms < this.settings.pollMs) setTimeout(() => this.#due.notify(), ms).unref();
  }

  /**
   * Beats now; undefined where the database did not answer.
   *
   * @param asleep queues in which to say that this worker sleeps
   * @param asker the crew that asks, and reads in the answer whether there are jobs; the others are woken for them
   */
  async beat(asleep: readonly string[] = [], asker?: Crew): Promise<TickAnswer | undefined> {
    while (this.#beating) await this.#beating;
    this.#beating = this.#beat(asleep, asker).finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** Everything that is due, once: for a worker that does not stay. */
  async round(): Promise<void> {
    await this.beat();
    await this.housekeeping.round(this.#scheduleMs);
  }

  async #loop(): Promise<void> {
    const everyMs = Math.min(this.settings.pollMs, Math.max(this.settings.leaseMs / 3, 10));
    while (!this.#stopped) {
      // Where another worker slept in a queue before this one, it may have woken up by now.
      const wanting = this.crews.filter(({ wantsSleep }) => wantsSleep).flatMap(({ queues }) => queues);
      const answer = await this.beat(wanting);
      if (this.#stopped) return;
      this.#keepHouse();
      const more = answer?.promoted === rowsAtOnce ? 0 : (answer?.nextMs ?? Number.POSITIVE_INFINITY);
      const soonMs = answer?.met === false ? soonAgainMs : Number.POSITIVE_INFINITY;
      await this.#due.wait(Math.max(0, Math.min(everyMs, more, soonMs)));
    }
  }

  /** Beside the beat, which must not wait for it: where handlers hold all connections of the pool it takes a while. */
  #keepHouse(): void {
    this.#keeping ??= this.housekeeping.round(this.#scheduleMs).then((nextMs) => {
      this.#keeping = undefined;
      this.expect(nextMs);
    });
  }

  async #beat(wanted: readonly string[], asker?: Crew): Promise<TickAnswer | undefined> {
    const { logger, handlers } = this.settings;
    const sentAt = performance.now();
    this.leases.sayIfSilent(sentAt);
    // A crew that claims at this moment sees for itself what there is.
    const looking = this.crews.filter(
      (crew) => !crew.claiming || crew.queues.some((queue) => wanted.includes(queue)),
    );
    const looks = looking.map(({ lanes }) => lanes.look(sentAt));
    const input = {
      worker: this.worker(),
      since: this.leases.since,
      // A lock that is taken twice would have to be given back twice.
      asleep: this.wakeUp.listens ? wanted.filter((queue) => !this.wakeUp.sleeps([queue])) : [],
      lanes: looks.flatMap(({ lanes }) => lanes),
      types: handlers.map(({ jobType: { name, version } }) => ({ name, version })),
      most: rowsAtOnce,
    };
    let found = false;
    try {
      const answer = readTick(await this.#send(input));
      // Somebody has removed its row; what it held is lost.
      if (!answer.known) {
        logger.warn(`worker ${input.worker} was no longer in the database: it goes on as another one`);
        await this.register();
      }
      this.wakeUp.fellAsleep(answer.locked);
      this.#scheduleMs = answer.scheduleMs;
      this.#shared = answer.shared === true;
      for (const failed of answer.failed) logger.warn(`could not ${failed}; trying again`);
      sayRescued(logger, answer);
      for (const crew of looking) crew.expectKeys(answer.special);
      for (const crew of looking) {
        // Two crews that look by themselves would wake each other without end.
        if (crew === asker || crew.looksItself) continue;
        // Who sleeps where somebody is enqueuing, without a lock of its own, has nobody to be woken by.
        const unheard = crew.wantsSleep && crew.queues.some((queue) => answer.enqueuing.includes(queue));
        if (answer.ready || answer.special.length > 0 || unheard) crew.wake.notify();
      }
      // What this beat has made ready a claim that began before it may not have seen.
      if (answer.promoted || answer.rescued.length > 0) for (const crew of this.crews) crew.wake.notify();
      found = answer.ready;
      await this.leases.renewed(answer, sentAt);
      return answer;
    } catch (error) {
      logger.warn(`could not renew the lease, trying again: ${oneLine(error)}`);
      return undefined;
    } finally {
      const now = performance.now();
      looking.forEach(({ lanes }, index) => {
        lanes.learn(looks[index]!, undefined, 0, now);
        if (found && looks[index]!.sweep) lanes.sweepNext(now);
      });
    }
  }

  async #send(input: Parameters<Link["engine"]["tick"]>[0]) {
    if (await this.wakeUp.ready(this.settings.leaseMs / 6))
      try {
        return await this.wakeUp.run(this.link.engine.tick, input);
      } catch (error) {
        // Its connection may be what is broken.
        if (this.wakeUp.connected) throw error;
      }
    return this.link.run(this.link.engine.tick, { ...input, asleep: [] });
  }
}

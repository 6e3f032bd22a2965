import { oneLine } from "../logger.ts";
import type { Pulse } from "../pulse.ts";
import type { WorkerSettings } from "../settings.ts";
import type { WakeUp } from "../wake-up.ts";
import type { Crew } from "./crew.ts";

/** From so many in one claim on, a second one is made beside it. */
const manyJobs = 100;
/** For so long after it had jobs it looks for more before it says that it sleeps. */
const awakeMs = 20;
/** Without a connection to be woken on it looks at growing gaps, for so long after it had jobs. */
const alertMs = 5_000;
/** The longest of the gaps at which it looks for what no commit wakes it for. */
const longestGapMs = 80;
/** Long enough to be woken, by a commit or by a beat, before. */
const untilWokenMs = 60_000;

/** Has a crew take jobs while there are any, and rest while there are none. */
export class CrewLoop {
  #running: Promise<unknown> | undefined;
  #stopping = false;
  /** How often in a row a beat has told of jobs, and claims found none. */
  #inVain = 0;
  /** How often in a row it could not sleep because somebody was enqueuing, and when it last asked. */
  #unheard = 0;
  #askedAt = 0;

  constructor(
    private readonly crew: Crew,
    private readonly pulse: Pulse,
    private readonly wakeUp: WakeUp,
    private readonly settings: WorkerSettings,
  ) {}

  start(): void {
    this.#running = Promise.all([this.#takeJobs(), this.#takeAlong()]);
  }

  /** Resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.crew.wake.notify();
    this.crew.busy.notify();
    await this.#running;
  }

  async #takeJobs(): Promise<void> {
    const { pollMs, logger } = this.settings;
    const { crew, wakeUp } = this;
    let foundAt = performance.now();
    let streak = 0;
    let slept = false;
    while (!this.#stopping) {
      // A worker that was frozen may have been given up: it must be known to live before it holds anything.
      if (!this.pulse.leases.current && !(await this.pulse.beat())) {
        await crew.wake.wait(Math.min(pollMs, 1_000));
        continue;
      }
      // What ends in one turn of the event loop is written together.
      if (crew.hasOutcomes) await new Promise(setImmediate);
      // What wakes a crew is mostly one job, and a claim of one is answered sooner; it may be under way by now.
      const room = slept ? (crew.claimBegun ? 1 : Math.min(crew.room, 1)) : crew.room;
      slept = false;
      if (room === 0 && !crew.hasOutcomes) {
        if (this.pulse.shared) wakeUp.handOver(crew.queues);
        else wakeUp.awake(crew.queues);
        await crew.wake.wait(pollMs);
        continue;
      }
      try {
        const taken = await crew.step(room);
        if (taken > 0) {
          foundAt = performance.now();
          this.#inVain = 0;
          crew.calls.broughtJobs();
          if (taken >= manyJobs && !this.pulse.shared) crew.busy.notify();
          // One job now and then is told of by its commit; a stream of them is looked for.
          if (++streak > 2) wakeUp.awake(crew.queues);
          continue;
        }
      } catch (error) {
        if (!this.#stopping)
          logger.warn(`could not claim and complete jobs, trying again: ${oneLine(error)}`);
        await crew.wake.wait(Math.min(pollMs, 1_000));
        continue;
      }
      if (room > 0 && !crew.hasOutcomes && (await this.#rest(performance.now() - foundAt))) {
        streak = 0;
        slept = true;
      }
    }
    wakeUp.handOver(crew.queues);
    await crew.begunAnswered();
  }

  /**
   * Where jobs come in hundreds, a second connection claims and completes beside the first. Not where other workers
   * take of them too: they are beside it already, and more would only be in each other's way.
   */
  async #takeAlong(): Promise<void> {
    const { crew } = this;
    // With one slot the order of claims is the order of runs.
    if (crew.concurrency === 1) return;
    while (!this.#stopping) {
      await crew.busy.wait(untilWokenMs);
      try {
        while (
          !this.#stopping &&
          !this.pulse.shared &&
          crew.room >= manyJobs &&
          (await crew.step(crew.room)) >= manyJobs
        )
          await new Promise(setImmediate);
      } catch {
        // The first connection says it, and waits.
      }
    }
  }

  /** Waits for jobs, for as long as it makes sense; true where it slept. */
  async #rest(idleMs: number): Promise<boolean> {
    const { crew, wakeUp } = this;
    const { pollMs } = this.settings;
    // The commit may have been of a job with a key, which claims find where a beat has told of keys. Who does not hold the
    // lock of those who sleep beats below.
    const unanswered = crew.calls.askUnanswered();
    if (unanswered && !crew.expectsKeys && wakeUp.sleeps(crew.queues)) await this.pulse.beat();
    const mayClaim = () => !this.#stopping && this.pulse.leases.current;
    const now = performance.now();
    if (crew.calls.broughtNothing(now)) wakeUp.handOver(crew.queues);
    const lookMs = crew.calls.gapMs(now);
    if (lookMs > 0) {
      await crew.wake.wait(lookMs);
      return true;
    }
    if (wakeUp.sleeps(crew.queues)) {
      this.#inVain = this.#unheard = 0;
      await crew.sleep(untilWokenMs, mayClaim);
      return true;
    }
    if (idleMs < awakeMs) {
      await crew.wake.wait(5);
      return false;
    }
    if (wakeUp.listens) {
      // A transaction that stays open for long is asked about now and then; meanwhile claims look for its jobs.
      if (this.#unheard > 0 && idleMs >= alertMs && now - this.#askedAt < pollMs) {
        await crew.sleep(Math.min(longestGapMs, pollMs), mayClaim, true);
        return true;
      }
      this.#askedAt = now;
      // Said first, looked after: what commits between the last look and the saying is seen by this look.
      const answer = await this.pulse.beat(crew.queues, crew);
      if (!answer || this.#stopping) return true;
      const told = answer.ready || answer.special.length > 0;
      const unheard = crew.queues.some((queue) => answer.enqueuing.includes(queue));
      this.#inVain = told ? this.#inVain + 1 : 0;
      this.#unheard = unheard ? this.#unheard + 1 : 0;
      // Others may count on the sleep that it has given up.
      if (this.#unheard === 1 && this.pulse.shared) wakeUp.handOver(crew.queues);
      if (this.#inVain === 1) return true;
      // What is ready and cannot be claimed is locked, or has no slot: it is looked at less and less often. So is a queue in
      // which somebody has enqueued while no worker slept there: that COMMIT wakes nobody.
      const gapMs = Math.min(
        told ? 2 ** this.#inVain : pollMs,
        unheard ? Math.min(2 ** this.#unheard, longestGapMs) : pollMs,
        pollMs,
      );
      const looks = told || unheard;
      await crew.sleep(looks ? gapMs : untilWokenMs, mayClaim, looks);
      return true;
    }
    // From then on the beat looks, every `pollMs`, and wakes it.
    if (idleMs >= alertMs) await crew.sleep(untilWokenMs, mayClaim);
    else await crew.wake.wait(Math.min(Math.max(5, idleMs / 4), longestGapMs, pollMs));
    return true;
  }
}

import { Completions } from "../attempt/completions.ts";
import { Signal } from "../signal.ts";
import { Calls } from "./calls.ts";
import { Claims, mostAtOnce } from "./claims.ts";
import type { CrewContext } from "./crew-context.ts";
import type { Lanes } from "./lanes.ts";
import { Slots } from "./slots.ts";

/**
 * Takes jobs of some queues and runs so many of them at a time. One round trip completes what has ended and claims
 * more; while it is under way, handlers run what was claimed ahead.
 */
export class Crew {
  /** Wakes the loop: a job has ended, or may have come. */
  readonly wake = new Signal();
  /** Says that there is work for a second connection. */
  readonly busy = new Signal();
  readonly calls = new Calls();
  readonly #slots: Slots;
  readonly #completions: Completions;
  readonly #claims: Claims;
  /** While it sleeps: has it claim. */
  #claim: (() => void) | undefined;

  constructor(
    readonly queues: readonly string[],
    readonly concurrency: number,
    context: CrewContext,
  ) {
    this.#slots = new Slots(concurrency, context, this.wake, (attempt, result) =>
      this.#completions.add(attempt, result),
    );
    this.#completions = new Completions(context.logger, (attempt, written) =>
      this.#slots.written(attempt, { verb: "complete", result: undefined }, written),
    );
    this.#claims = new Claims(queues, this.#completions, {
      link: context.link,
      underWay: context.underWay,
      stepping: context.stepping,
      worker: context.worker,
      handlers: context.handlers,
      free: () => this.#slots.free,
      receive: (jobs, claim) => this.#slots.receive(jobs, claim),
      wake: this.wake,
    });
  }

  get lanes(): Lanes {
    return this.#claims.lanes;
  }

  /** Which queues want a claim of their own, as a tick has told. */
  expectKeys(queues: readonly string[]): void {
    this.#claims.expectKeys(queues);
  }

  /** Whether its claims find jobs with keys, if there are any. */
  get expectsKeys(): boolean {
    return this.#claims.expectsKeys;
  }

  /** How many more jobs it can take now; 0 where it need not ask. */
  get room(): number {
    return Math.max(0, Math.min(this.#slots.wanted - this.#claims.asked, mostAtOnce));
  }

  /** Whether a claim is under way. */
  get claiming(): boolean {
    return this.#claims.asked > 0;
  }

  /** Whether there are completions to be written. */
  get hasOutcomes(): boolean {
    return this.#completions.waiting > 0;
  }

  /** True while it waits to be woken. */
  wantsSleep = false;
  /** True while it will look by itself in a moment, for what a beat may tell it. */
  looksItself = false;

  /** A commit says that there may be jobs. One that sleeps claims at once, while its loop is still waking up. */
  call(): void {
    if (!this.calls.hear(performance.now())) return;
    this.#claim?.();
    this.wake.notify();
  }

  /**
   * @param mayClaim whether a commit that calls may have it claim
   * @param looks whether it looks by itself when the time is over
   */
  async sleep(ms: number, mayClaim: () => boolean, looks = false): Promise<void> {
    this.wantsSleep = true;
    this.looksItself = looks;
    const claim = this.#claims.prepare();
    this.#claim = () => {
      if (mayClaim()) claim();
    };
    await this.wake.wait(ms);
    this.#claim = undefined;
    this.wantsSleep = false;
    this.looksItself = false;
    this.#claims.woken(performance.now());
  }

  /**
   * Completes what has ended and claims up to `limit` jobs; answers how many. A database that is away is waited for
   * by whoever calls.
   *
   * @param leavesNothing whether none is to mean that none is ready
   * @throws whatever the database or its driver throws; nothing is lost by it
   */
  async step(limit: number, leavesNothing = false): Promise<number> {
    const began = performance.now();
    const taken = await this.#claims.take(limit, leavesNothing);
    if (limit > 0) this.#slots.claimTook(performance.now() - began);
    return taken;
  }

  /** Whether a commit has begun a claim whose answer the next step takes in. */
  get claimBegun(): boolean {
    return this.#claims.begun;
  }

  /** Resolves when such a claim is answered. */
  async begunAnswered(): Promise<void> {
    await this.#claims.begunAnswered();
  }

  /** Takes no more, and hands back what has not started. */
  stopTaking(): void {
    this.#claims.stop();
    this.#slots.stopTaking();
  }

  /** Aborts what still runs. */
  stopRunning(): void {
    this.#slots.stopRunning();
  }

  /** Gives up writing completions that the database does not take. */
  giveUp(): void {
    this.#completions.giveUp();
  }

  /** Looks after what runs for too long, and what waits for too long. */
  watch(now: number): void {
    this.#slots.watch(now);
  }
}

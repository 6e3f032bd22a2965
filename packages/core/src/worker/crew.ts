import { type ClaimByKeyAnswer, readClaimByKey } from "../postgres/claim-by-key.ts";
import type { ClaimedJob } from "../postgres/claimed-job.ts";
import { readStep, type StepAnswer } from "../postgres/step.ts";
import { Attempt } from "./attempt.ts";
import { runBatch } from "./batch.ts";
import { Completions } from "./completions.ts";
import type { Handler } from "./handler.ts";
import { Lanes } from "./lanes.ts";
import type { Link } from "./link.ts";
import { type Logger, oneLine } from "./logger.ts";
import type { Outcome } from "./outcome.ts";
import { Prefetch } from "./prefetch.ts";
import { Signal } from "./signal.ts";

/** At most so many jobs are claimed at once. */
const mostAtOnce = 500;
/** A job that was claimed ahead and could not start for so long is handed back. */
const stalePrefetchMs = 100;
/** Handlers that return at once give way to everything else after so long. */
const burstMs = 10;

/** What a crew needs of the worker that it belongs to. */
export interface CrewContext {
  readonly link: Link;
  readonly logger: Logger;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly leaseMs: number;
  /** Every attempt of the worker, from its claim to the writing of its outcome. */
  readonly attempts: Set<Attempt>;
  readonly worker: () => string;
  /** Writes every outcome but a completion. */
  readonly write: (attempt: Attempt, outcome: Outcome) => Promise<unknown>;
  /** Called when an attempt has ended, and when its outcome is written. */
  readonly onEnd: (attempt: Attempt, outcome: Outcome) => void;
  readonly onWritten: (attempt: Attempt, outcome: Outcome) => void;
}

/**
 * Takes jobs of some queues and runs so many of them at a time. One round trip completes what has ended and claims
 * more; while it is under way, handlers run what was claimed ahead.
 */
export class Crew {
  readonly lanes: Lanes;
  /** Wakes the loop: a job has ended, or may have come. */
  readonly wake = new Signal();
  /** Says that there is work for a second connection. */
  readonly busy = new Signal();
  readonly #completions: Completions;
  readonly #prefetch: Prefetch;
  readonly #waiting: Attempt[] = [];
  /** Jobs whose workers fell silent before: each is run while nothing else runs here. */
  readonly #suspects: Attempt[] = [];
  readonly #running = new Set<Attempt>();
  /** Queues in which limits or keys count, and the key at which the last claim stopped. */
  readonly #special = new Map<string, string>();
  readonly #types: readonly { readonly name: string; readonly version: number }[];
  /** How many jobs one call takes at least, where every handler takes many. */
  readonly #batchJobs: number;
  #specialFirst = false;
  /** What claims that are under way may still bring. */
  #asked = 0;
  #alone: Attempt | undefined;
  /** Attempts that have ended, and what became of them is still to be written. */
  #unwritten = 0;
  #slots = 0;
  #stopping = false;
  #pumping = false;

  constructor(
    readonly queues: readonly string[],
    readonly concurrency: number,
    private readonly context: CrewContext,
  ) {
    this.lanes = new Lanes(queues);
    this.#prefetch = new Prefetch(concurrency);
    this.#completions = new Completions(context.logger, (attempt) =>
      this.#written(attempt, { verb: "complete", result: undefined }),
    );
    this.#batchJobs = Math.min(...[...context.handlers.values()].map(({ batch }) => batch?.maxJobs ?? 1));
    this.#types = [...context.handlers.values()].map(({ jobType: { name, version } }) => ({ name, version }));
  }

  /** Which queues want a claim of their own, as a tick has told. */
  expectKeys(queues: readonly string[]): void {
    for (const queue of this.#special.keys()) if (!queues.includes(queue)) this.#special.delete(queue);
    for (const queue of queues)
      if (this.queues.includes(queue) && !this.#special.has(queue)) this.#special.set(queue, "");
  }

  /** How many more jobs it can take now; 0 where it need not ask. */
  get room(): number {
    if (this.#stopping || this.#suspects.length > 0 || this.#alone) return 0;
    const { ahead } = this.#prefetch;
    // Half of what may wait is left over before more is fetched, so that handlers and claims overlap.
    if (this.#slots >= this.concurrency && this.#waiting.length > ahead / 2) return 0;
    return Math.max(0, Math.min(this.#free + ahead - this.#waiting.length - this.#asked, mostAtOnce));
  }

  /** Whether there are completions to be written. */
  get hasOutcomes(): boolean {
    return this.#completions.waiting > 0;
  }

  /** True while it waits to be woken. */
  wantsSleep = false;

  async sleep(ms: number): Promise<void> {
    this.wantsSleep = true;
    await this.wake.wait(ms);
    this.wantsSleep = false;
    this.lanes.woken(performance.now());
  }

  /**
   * Completes what has ended and claims up to `limit` jobs; answers how many. A database that is away is waited for
   * by whoever calls.
   *
   * @throws whatever the database or its driver throws; nothing is lost by it
   */
  async step(limit: number): Promise<number> {
    const special = [...this.#special.keys()];
    // Queues with limits and those without take turns to be asked first.
    this.#specialFirst = !this.#specialFirst;
    let taken = 0;
    if (this.#specialFirst) for (const queue of special) taken += await this.#takeByKey(queue, limit - taken);
    taken += await this.#take(limit - taken);
    if (!this.#specialFirst)
      for (const queue of special) taken += await this.#takeByKey(queue, limit - taken);
    return taken;
  }

  async #take(limit: number): Promise<number> {
    const { link, worker } = this.context;
    const completions = this.#completions.take(mostAtOnce);
    if (completions.length === 0 && limit === 0) return 0;
    const look = this.lanes.look(performance.now());
    let answer: StepAnswer | undefined;
    this.#asked += limit;
    try {
      const input = {
        worker: worker(),
        completions: completions.map(({ completion }) => completion),
        lanes: look.lanes,
        types: this.#types,
        most: limit,
        free: Math.max(0, this.#free - this.#waiting.length),
      };
      answer = readStep(await link.run(link.engine.step, input), input);
      this.#completions.settle(completions, answer);
      this.#receive(answer.jobs, answer.claim);
      return answer.jobs.length;
    } finally {
      this.#asked -= limit;
      if (!answer) this.#completions.putBack(completions);
      this.lanes.learn(look, limit > 0 ? answer : undefined, limit, performance.now());
    }
  }

  /** Claims from a queue with limits or keys until a claim brings jobs or all keys have been looked at. */
  async #takeByKey(queue: string, limit: number): Promise<number> {
    const { link, worker } = this.context;
    for (let looked = 0; limit > 0 && !this.#stopping; looked++) {
      const input = {
        worker: worker(),
        queue,
        after: this.#special.get(queue) ?? "",
        types: this.#types,
        most: Math.min(limit, this.#free - this.#waiting.length),
      };
      if (input.most <= 0) return 0;
      const answer: ClaimByKeyAnswer = readClaimByKey(await link.run(link.engine.claimByKey, input), input);
      this.#special.set(queue, answer.after);
      if (answer.waitMs != null && answer.waitMs < 60_000)
        setTimeout(() => this.wake.notify(), Math.max(answer.waitMs, 1)).unref();
      this.#receive(answer.jobs, answer.claim);
      if (answer.jobs.length > 0) return answer.jobs.length;
      if (answer.busy) {
        // Whoever holds it is done in a moment.
        setTimeout(() => this.wake.notify(), 5).unref();
        return 0;
      }
      if (answer.after === "" && (input.after === "" || looked > 0)) return 0;
    }
    return 0;
  }

  /** How many jobs can start at once. */
  get #free(): number {
    return (this.concurrency - this.#slots) * this.#batchJobs;
  }

  /** Takes no more, and hands back what has not started. */
  stopTaking(): void {
    this.#stopping = true;
    for (const attempt of [...this.#waiting.splice(0), ...this.#suspects.splice(0)]) this.#handBack(attempt);
  }

  /** Aborts what still runs. */
  stopRunning(): void {
    for (const attempt of this.#running) attempt.stop();
  }

  /** Gives up writing completions that the database does not take. */
  giveUp(): void {
    this.#completions.giveUp();
  }

  /** Looks after what runs for too long, and what waits for too long. */
  watch(now: number): void {
    for (const attempt of this.#running) attempt.checkTimeout(now);
    // What was claimed ahead because handlers were quick, and now are not, another worker could run.
    if (this.#slots >= this.concurrency || this.#alone)
      while (this.#waiting.length > 0 && now - this.#waiting.at(-1)!.claimedAt > stalePrefetchMs)
        this.#handBack(this.#waiting.pop()!);
    this.#pump();
  }

  #receive(jobs: readonly ClaimedJob[], claim: string | null): void {
    const now = performance.now();
    for (const job of jobs) {
      const attempt = new Attempt(job, claim!, this.context.handlers.get(`${job.name}@${job.version}`)!, now);
      this.context.attempts.add(attempt);
      (isSuspect(attempt) ? this.#suspects : this.#waiting).push(attempt);
    }
    this.#pump();
  }

  /** Starts what can start. */
  #pump(): void {
    if (this.#pumping || this.#stopping) return;
    this.#pumping = true;
    const began = performance.now();
    while (
      !this.#alone &&
      this.#slots < this.concurrency &&
      this.#waiting.length > 0 &&
      this.#suspects.length === 0
    ) {
      const attempt = this.#waiting.shift()!;
      if (mustBeMarked(attempt)) void this.#startMarked(attempt);
      else this.#start(attempt);
      if (performance.now() - began > burstMs) {
        setImmediate(() => this.#pump());
        break;
      }
    }
    this.#pumping = false;
    this.#runSuspect(began);
  }

  #runSuspect(now: number): void {
    const suspect = this.#suspects[0];
    if (!suspect || this.#alone) return;
    // It waits until the others have ended and that is written, but not for ever: they may be long.
    if (this.#running.size + this.#unwritten > 0 && now - suspect.claimedAt < this.context.leaseMs) return;
    this.#suspects.shift();
    this.#alone = suspect;
    // What it would take along had better not be here.
    for (const attempt of this.#waiting.splice(0)) this.#handBack(attempt);
    // Should it not kill the worker soon, others may run beside it.
    const together = setTimeout(() => this.#endAlone(suspect), this.context.leaseMs);
    together.unref();
    void this.#startMarked(suspect);
  }

  #endAlone(attempt: Attempt): void {
    if (this.#alone !== attempt) return;
    this.#alone = undefined;
    this.wake.notify();
    this.#pump();
  }

  /** A crash in its last attempt must count: so its start is written first. */
  async #startMarked(attempt: Attempt): Promise<void> {
    const { link } = this.context;
    this.#slots++;
    this.#running.add(attempt);
    try {
      await link.unpack([attempt]);
      const rows = await link.run(link.engine.markStarted, {
        settlements: [{ id: attempt.id, claim: attempt.claim }],
      });
      this.#slots--;
      this.#running.delete(attempt);
      if (rows[0]?.status === "done" && !this.#stopping) return this.#start(attempt);
    } catch (error) {
      this.#slots--;
      this.#running.delete(attempt);
      this.context.logger.warn(`could not write the start of ${attempt}, handing it back: ${oneLine(error)}`);
    }
    this.#handBack(attempt);
    this.#endAlone(attempt);
  }

  #start(attempt: Attempt): void {
    this.#slots++;
    this.#running.add(attempt);
    const { batch } = attempt.handler;
    if (batch === undefined) {
      attempt.start((attempt, outcome) => {
        this.#slots--;
        this.#ended(attempt, outcome);
      });
      return;
    }
    const attempts = [attempt];
    for (let index = 0; index < this.#waiting.length && attempts.length < batch.maxJobs; ) {
      const other = this.#waiting[index]!;
      if (other.handler === attempt.handler && !mustBeMarked(other))
        attempts.push(...this.#waiting.splice(index, 1));
      else index++;
    }
    for (const one of attempts) this.#running.add(one);
    let left = attempts.length;
    void runBatch(attempts, batch, (attempt, outcome) => {
      if (--left === 0) this.#slots--;
      this.#ended(attempt, outcome);
    });
  }

  #ended(attempt: Attempt, outcome: Outcome): void {
    this.#running.delete(attempt);
    this.#unwritten++;
    const now = performance.now();
    this.#prefetch.took(now - attempt.startedAt!);
    this.context.onEnd(attempt, outcome);
    if (outcome.verb === "complete")
      this.#completions.add(attempt, {
        id: attempt.id,
        claim: attempt.claim,
        startedMs: attempt.startedAt! - attempt.claimedAt,
        place: attempt.place,
        result: outcome.result,
      });
    else void this.context.write(attempt, outcome).then(() => this.#written(attempt, outcome));
    this.wake.notify();
    this.#pump();
  }

  #handBack(attempt: Attempt): void {
    attempt.handling = false;
    const outcome = { verb: "release" } as const;
    void this.context.write(attempt, outcome).then(() => {
      this.context.attempts.delete(attempt);
      this.context.onWritten(attempt, outcome);
    });
  }

  #written(attempt: Attempt, outcome: Outcome): void {
    this.#unwritten--;
    this.context.attempts.delete(attempt);
    this.context.onWritten(attempt, outcome);
    this.wake.notify();
    this.#endAlone(attempt);
    if (this.#suspects.length > 0) this.#pump();
  }
}

/** Whether a crash in this attempt must be put down to it alone. */
function isSuspect({ job: { more }, number, maxAttempts }: Attempt): boolean {
  const lost = more?.lost ?? 0;
  return lost >= 2 || (lost === 1 && number >= maxAttempts);
}

function mustBeMarked({ job: { more, prefetched }, number, maxAttempts }: Attempt): boolean {
  return prefetched && ((more?.lost ?? 0) > 0 || number >= maxAttempts);
}

import type { ClaimedJob } from "../../postgres/claimed-job.ts";
import { Attempt } from "../attempt/attempt.ts";
import { runBatch } from "../attempt/batch.ts";
import { Ledger } from "../attempt/ledger.ts";
import type { Outcome, Written } from "../attempt/outcome.ts";
import { oneLine } from "../logger.ts";
import type { Signal } from "../signal.ts";
import type { CrewContext } from "./crew-context.ts";
import { Prefetch } from "./prefetch.ts";
import { isSuspect, mustBeMarked } from "./suspect.ts";

/** A job that was claimed ahead and could not start for so long is handed back. */
const stalePrefetchMs = 100;
/** Handlers that return at once give way to everything else after so long. */
const burstMs = 10;

/** Runs claimed jobs, so many at a time: those that were claimed ahead wait here for a slot. */
export class Slots {
  readonly #prefetch: Prefetch;
  readonly #waiting: Attempt[] = [];
  /** Jobs whose workers fell silent before: each is run while nothing else runs here. */
  readonly #suspects: Attempt[] = [];
  readonly #running = new Set<Attempt>();
  /** How many jobs one call takes at least, where every handler takes many. */
  readonly #batchJobs: number;
  #alone: Attempt | undefined;
  /** Attempts that have ended, and what became of them is still to be written. */
  #unwritten = 0;
  #taken = 0;
  #stopping = false;
  #pumping = false;

  constructor(
    private readonly concurrency: number,
    private readonly context: CrewContext,
    /** Told when a slot is free. */
    private readonly wake: Signal,
    /** Writes a completion, and calls written() then. */
    private readonly complete: (attempt: Attempt, result: unknown) => void,
  ) {
    this.#prefetch = new Prefetch(concurrency);
    this.#batchJobs = Math.min(...[...context.handlers.values()].map(({ batch }) => batch?.maxJobs ?? 1));
  }

  /** How many more jobs could start at once. */
  get free(): number {
    return (this.concurrency - this.#taken) * this.#batchJobs - this.#waiting.length;
  }

  /** How many more jobs to claim, free slots and ahead; 0 where it need not ask. */
  get wanted(): number {
    if (this.#stopping || this.#suspects.length > 0 || this.#alone) return 0;
    const { ahead } = this.#prefetch;
    // Half of what may wait is left over before more is fetched, so that handlers and claims overlap.
    if (this.#taken >= this.concurrency && this.#waiting.length > ahead / 2) return 0;
    return this.free + ahead;
  }

  receive(jobs: readonly ClaimedJob[], claim: string | null): void {
    const now = performance.now();
    for (const job of jobs) {
      const { handlers, link, steps, stepping } = this.context;
      const handler = handlers.get(`${job.name}@${job.version}`)!;
      const attempt = new Attempt(
        job,
        claim!,
        handler,
        now,
        (attempt) => new Ledger(attempt, link, steps, () => stepping.add(handler)),
        this.context,
      );
      this.context.attempts.add(attempt);
      // Its claim was under way when the worker was told to stop.
      if (this.#stopping) this.#handBack(attempt);
      else (isSuspect(attempt) ? this.#suspects : this.#waiting).push(attempt);
    }
    this.#pump();
  }

  /** A claim was under way for so long. */
  claimTook(ms: number): void {
    this.#prefetch.claimTook(ms);
  }

  /** What became of the attempt is in the database. */
  written(attempt: Attempt, outcome: Outcome, written: Written): void {
    this.#unwritten--;
    this.context.attempts.delete(attempt);
    this.context.onWritten(attempt, outcome, written);
    this.wake.notify();
    this.#endAlone(attempt);
    if (this.#suspects.length > 0) this.#pump();
  }

  /** Starts no more, and hands back what has not started. */
  stopTaking(): void {
    this.#stopping = true;
    for (const attempt of [...this.#waiting.splice(0), ...this.#suspects.splice(0)]) this.#handBack(attempt);
  }

  /** Aborts what still runs. */
  stopRunning(): void {
    for (const attempt of this.#running) attempt.stop();
  }

  /** Looks after what runs for too long, and what waits for too long. */
  watch(now: number): void {
    for (const attempt of this.#running) attempt.checkTimeout(now);
    // What was claimed ahead because handlers were quick, and now are not, another worker could run.
    if (this.#taken >= this.concurrency || this.#alone)
      while (this.#waiting.length > 0 && now - this.#waiting.at(-1)!.claimedAt > stalePrefetchMs)
        this.#handBack(this.#waiting.pop()!);
    this.#pump();
  }

  /** Starts what can start. */
  #pump(): void {
    if (this.#pumping || this.#stopping) return;
    this.#pumping = true;
    const began = performance.now();
    while (
      !this.#alone &&
      this.#taken < this.concurrency &&
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
    this.#taken++;
    this.#running.add(attempt);
    try {
      await link.unpackSoon([attempt]);
      const rows = await link.run(link.engine.markStarted, {
        settlements: [{ id: attempt.id, claim: attempt.claim }],
      });
      this.#taken--;
      this.#running.delete(attempt);
      if (rows[0]?.status === "done" && !this.#stopping) return this.#start(attempt);
    } catch (error) {
      this.#taken--;
      this.#running.delete(attempt);
      this.context.logger.warn(`could not write the start of ${attempt}, handing it back: ${oneLine(error)}`);
    }
    this.#handBack(attempt);
    this.#endAlone(attempt);
  }

  #start(attempt: Attempt): void {
    this.#taken++;
    this.#running.add(attempt);
    const { batch } = attempt.handler;
    if (batch === undefined) {
      attempt.start((attempt, outcome) => {
        this.#taken--;
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
    void runBatch(
      attempts,
      batch,
      (attempt, outcome) => {
        if (--left === 0) this.#taken--;
        this.#ended(attempt, outcome);
      },
      this.context.around,
    );
  }

  #ended(attempt: Attempt, outcome: Outcome): void {
    this.#running.delete(attempt);
    this.#unwritten++;
    attempt.endedAt = performance.now();
    this.#prefetch.took(attempt.endedAt - attempt.startedAt!);
    this.context.onEnd(attempt, outcome);
    if (outcome.verb === "complete") this.complete(attempt, outcome.result);
    else void this.context.write(attempt, outcome).then((written) => this.written(attempt, outcome, written));
    this.wake.notify();
    this.#pump();
  }

  #handBack(attempt: Attempt): void {
    attempt.handling = false;
    const outcome = { verb: "release" } as const;
    void this.context.write(attempt, outcome).then((written) => {
      this.context.attempts.delete(attempt);
      this.context.onWritten(attempt, outcome, written);
    });
  }
}

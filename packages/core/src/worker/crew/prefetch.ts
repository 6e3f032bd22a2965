/** A job may wait for a slot of this worker for about so long; what is claimed further ahead, another could run. */
const aheadMs = 25;
const mostAhead = 1_000;
/** A claim that takes longer than this says nothing about the next one. */
const longestClaimMs = 25;

/**
 * How many jobs to claim ahead of free slots: as many as will start in a moment, judged by how long handlers took
 * of late. Until that is known, and where they are slow, none.
 */
export class Prefetch {
  #averageMs: number | undefined;
  #claimMs = 0;
  #seen = 0;

  constructor(private readonly concurrency: number) {}

  /** Notes how long a handler took. */
  took(ms: number): void {
    this.#seen++;
    // The first few are warming up; a slow one counts at once, a quick one gradually.
    this.#averageMs =
      this.#averageMs === undefined
        ? ms
        : this.#averageMs + (ms - this.#averageMs) * (ms > this.#averageMs ? 0.2 : 0.05);
  }

  /** Notes how long a claim was under way: slots that end meanwhile are not to wait for it. */
  claimTook(ms: number): void {
    this.#claimMs += (Math.min(ms, longestClaimMs) - this.#claimMs) * 0.1;
  }

  /** Never more than have run already: it grows by doubling. */
  get ahead(): number {
    if (this.#averageMs === undefined) return 0;
    const perMs = this.concurrency / Math.max(this.#averageMs, 0.001);
    const soon = Math.floor(perMs * aheadMs) - this.concurrency;
    // Half of them are left when the next claim begins.
    const meanwhile = Math.floor(2 * perMs * this.#claimMs);
    return Math.max(0, Math.min(Math.max(soon, meanwhile), this.#seen * 2, mostAhead));
  }
}

/** A job may wait for a slot of this worker for about so long; what is claimed further ahead, another could run. */
const aheadMs = 25;
const mostAhead = 1_000;

/**
 * How many jobs to claim ahead of free slots: as many as will start in a moment, judged by how long handlers took
 * of late. Until that is known, and where they are slow, none.
 */
export class Prefetch {
  #averageMs: number | undefined;
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

  /** Never more than have run already: it grows by doubling. */
  get ahead(): number {
    if (this.#averageMs === undefined) return 0;
    const soon =
      Math.floor((this.concurrency * aheadMs) / Math.max(this.#averageMs, 0.001)) - this.concurrency;
    return Math.max(0, Math.min(soon, this.#seen * 2, mostAhead));
  }
}

import type { ClaimByKeyAnswer, Lines } from "../../postgres/claim-by-key.ts";
import type { Signal } from "../signal.ts";

/** A look from the beginning is not made again for so many times as long as it took. */
const restPerLook = 5;
/** Nor for longer than this: what only such a look finds may wait for it. */
const longestRestMs = 1_000;

/** From where a claim looks; from the beginning of each key where that is undefined. */
export interface KeyLook {
  readonly lines: Lines | undefined;
  readonly round: number;
}

/**
 * Where the jobs of a queue's keys stand. A look at each key from its beginning steps over all that has ended and that
 * vacuum may not remove yet. Where that is much, the claims after it go on from the places that it has told. A key that
 * is new, and what appears behind those places (a late commit, what somebody had locked, an attempt that comes back and
 * keeps its place), waits for the next look from the beginning.
 */
export class KnownLines {
  #lines: Lines | undefined;
  #anewAt = 0;
  /** How many looks from the beginning have been answered, and whether one is under way. */
  #round = 0;
  #looking = false;
  /** Whether a claim has gone by its lines meanwhile, and found nothing. */
  #missed = false;
  #waking: NodeJS.Timeout | undefined;

  constructor(private readonly wake: Signal) {}

  look(now: number): KeyLook {
    const anew = !this.#lines || (now >= this.#anewAt && !this.#looking);
    if (anew) this.#looking = true;
    return { lines: anew ? undefined : this.#lines, round: this.#round };
  }

  /** Takes in what a claim has told; nothing, where it failed. */
  learn(
    { lines, round }: KeyLook,
    sentAt: number,
    answer: Pick<ClaimByKeyAnswer, "jobs" | "lines"> | undefined,
    now: number,
  ): void {
    if (!lines) {
      this.#looking = false;
      if (this.#missed) this.wake.notify();
      this.#missed = false;
    }
    if (answer?.lines === undefined) return;
    if (round === this.#round) {
      this.#lines = answer.lines ?? undefined;
      if (!lines) {
        this.#round++;
        this.#anewAt = now + Math.min((now - sentAt) * restPerLook, longestRestMs);
      }
    }
    if (!lines || answer.jobs.length > 0) return;
    if (this.#looking) this.#missed = true;
    else this.#wakeForNext(now);
  }

  /** The next look is from the beginning. */
  forget(): void {
    this.#lines = undefined;
  }

  #wakeForNext(now: number): void {
    this.#waking ??= setTimeout(
      () => {
        this.#waking = undefined;
        this.wake.notify();
      },
      Math.ceil(Math.max(this.#anewAt - now, 1)),
    ).unref();
  }
}

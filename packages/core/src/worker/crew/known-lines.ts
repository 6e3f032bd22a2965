import type { ClaimByKeyAnswer, ClaimByKeyInput, Lines } from "../../postgres/claim-by-key.ts";
import type { Signal } from "../signal.ts";

/** A look from the beginning is not made again for so many times as long as it took. */
const restPerLook = 5;
/** Nor for longer than this: what only such a look finds may wait for it. */
const longestRestMs = 1_000;

/**
 * Where the jobs of a queue's keys stand. A look at each key from its beginning steps over all that has ended and that
 * vacuum may not remove yet. Where that takes long, the claims after it go on from the places that it has told; a key
 * that is new, and what appears behind those places (a late commit, what somebody had locked), waits for the next one.
 */
export class KnownLines {
  #lines: Lines | undefined;
  #anewAt = 0;
  #woken: NodeJS.Timeout | undefined;

  constructor(private readonly wake: Signal) {}

  look(now: number): Pick<ClaimByKeyInput, "lines" | "anew"> {
    return { lines: this.#lines, anew: this.#lines === undefined || now >= this.#anewAt };
  }

  /** Takes in what a claim has told; nothing, where it failed. */
  learn(anew: boolean, sentAt: number, answer: ClaimByKeyAnswer | undefined, now: number): void {
    if (answer?.lines === undefined) return;
    this.#lines = answer.lines ?? undefined;
    if (anew) this.#anewAt = now + Math.min((now - sentAt) * restPerLook, longestRestMs);
    else if (answer.jobs.length === 0) this.#wakeForNext(now);
  }

  #wakeForNext(now: number): void {
    this.#woken ??= setTimeout(
      () => {
        this.#woken = undefined;
        this.wake.notify();
      },
      Math.max(this.#anewAt - now, 1),
    ).unref();
  }
}

/** So many calls within so long, and nothing found: that is too many. */
const tooMany = 4;
const withinMs = 100;
/** For so long they are not heeded then, and the crew looks by itself: in gaps that its own jobs do not feel. */
const deafMs = 1_000;
const gapMs = 20;

/**
 * The commits that call a crew. Each costs its committer a NOTIFY, which is cheap as long as they are few; where a stream
 * of them brings the crew nothing, since the jobs are for others, it is better off looking by itself for a while.
 */
export class Calls {
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;
  #deafUntil = Number.NEGATIVE_INFINITY;
  #unanswered = false;

  /** A commit has called; false where that is not to be heeded. */
  hear(now: number): boolean {
    if (now < this.#deafUntil) return false;
    if (now - this.#since > withinMs) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count++;
    this.#unanswered = true;
    return true;
  }

  /** The crew has looked, and found jobs. */
  broughtJobs(): void {
    this.#count = 0;
    this.#unanswered = false;
  }

  /** Whether it has been called and has had no jobs since; each time this is asked once. */
  askUnanswered(): boolean {
    const unanswered = this.#unanswered;
    this.#unanswered = false;
    return unanswered;
  }

  /** The crew has looked, and found nothing; true where it has been called for that once too often. */
  broughtNothing(now: number): boolean {
    if (this.#count < tooMany) return false;
    this.#count = 0;
    this.#deafUntil = now + deafMs;
    return true;
  }

  /** After how many milliseconds the crew is to look by itself; 0 where calls are heeded. */
  gapMs(now: number): number {
    return now < this.#deafUntil ? gapMs : 0;
  }
}

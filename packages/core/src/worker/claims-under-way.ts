/**
 * Which statements that claim are under way. What one of them has taken is in the database a while before its answer
 * is here, on a busy machine or through a pooler for longer than a beat.
 */
export class ClaimsUnderWay {
  #begun = 0;
  readonly #open = new Set<number>();

  /** To be called before a claim is sent; what it answers, when its answer has been taken in, or there is none. */
  begin(): () => void {
    const claim = ++this.#begun;
    this.#open.add(claim);
    return () => this.#open.delete(claim);
  }

  /** How many have begun so far. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether any is under way. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** Whether any of the first `count` is still under way. */
  anyOf(count: number): boolean {
    for (const claim of this.#open) if (claim <= count) return true;
    return false;
  }
}

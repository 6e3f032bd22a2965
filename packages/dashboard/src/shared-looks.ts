/** How long an answer is good for others who ask the same. */
const goodForMs = 1_000;
const doctorForMs = 10_000;
/** How many are kept. */
const most = 100;

/** What several viewers ask at the same time is asked of the database once. What changed something makes it forget all. */
export class SharedLooks {
  readonly #looks = new Map<string, { readonly until: number; readonly answer: Promise<string> }>();

  async of(key: string, look: () => Promise<string>): Promise<string> {
    const now = performance.now();
    const known = this.#looks.get(key);
    if (known && known.until > now) return known.answer;
    for (const [other, { until }] of this.#looks)
      if (until <= now || this.#looks.size > most) this.#looks.delete(other);
    const answer = look();
    const entry = { until: now + (key.startsWith("api/doctor") ? doctorForMs : goodForMs), answer };
    this.#looks.set(key, entry);
    // What failed is asked again at once.
    answer.catch(() => {
      if (this.#looks.get(key) === entry) this.#looks.delete(key);
    });
    return answer;
  }

  forget(): void {
    this.#looks.clear();
  }
}

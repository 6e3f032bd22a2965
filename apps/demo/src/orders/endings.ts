/** How the purchase of one order ends. */
export const endings = {
  commit: "the transaction commits",
  throw: "the shop throws after the enqueue",
  constraint: "a later statement violates a constraint",
  commitFails: "COMMIT itself fails, on a deferred foreign key",
  savepoint: "an extra order is rolled back to a savepoint, the rest commits",
  killed: "the server kills the connection before the commit",
  late: "the transaction rolls back, and its handle is used for one more enqueue",
  lateUnseen: "the same, where the ORM has not noticed the rollback: only the database can tell",
} as const;

export type Ending = keyof typeof endings;

const kinds = Object.keys(endings) as Ending[];

/** One ending for each of `orders` orders, about half of them commits; the same for the same seed. */
export function planEndings(orders: number, seed: number): Ending[] {
  const random = randomFrom(seed);
  const plan = Array.from({ length: orders }, (_, n): Ending => {
    // The first ones see to it that a short run shows every ending.
    if (n < kinds.length) return kinds[n]!;
    return random() < 0.5 ? "commit" : kinds[1 + Math.floor(random() * (kinds.length - 1))]!;
  });
  for (let last = plan.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [plan[last], plan[other]] = [plan[other]!, plan[last]!];
  }
  return plan;
}

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Measures each arm once a round, in an order that turns round from one round to the next: what a neighbour on
 * the machine does then falls on all arms alike. Ratios are taken within a round.
 *
 * @param warmUp rounds that are run and not counted
 */
export async function alternate<Arm extends string>(
  arms: readonly Arm[],
  { rounds, warmUp = 1 }: { readonly rounds: number; readonly warmUp?: number },
  measure: (arm: Arm) => Promise<number>,
): Promise<Record<Arm, number[]>> {
  const samples = Object.fromEntries(arms.map((arm) => [arm, []])) as unknown as Record<Arm, number[]>;
  for (let round = -warmUp; round < rounds; round++) {
    const order = round % 2 === 0 ? arms : arms.toReversed();
    for (const arm of order) {
      const value = await measure(arm);
      if (round >= 0) samples[arm].push(value);
    }
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of the ratios that the rounds give. */
export function ratio(values: readonly number[], to: readonly number[]): number {
  return median(values.map((value, index) => value / to[index]!));
}

/** How far the middle half of the rounds' ratios reaches: a figure's own noise. */
export function spread(values: readonly number[], to: readonly number[]): string {
  const ratios = values.map((value, index) => value / to[index]!).toSorted((a, b) => a - b);
  const at = (share: number) => ratios[Math.round(share * (ratios.length - 1))]!.toFixed(2);
  return `${at(0.25)}–${at(0.75)}`;
}

/** The value that `share` of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** One bar: what was measured beside what was asked. */
export interface Check {
  readonly name: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Table {
  /** A sentence: what was done, on what. */
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A picture of one table's figures. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  /** Bars: one figure for each name. Lines: each name's figures along x. */
  readonly bars?: readonly { readonly name: string; readonly value: number }[];
  readonly lines?: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
  /** What x is, under lines. */
  readonly along?: string;
}

/** Our figure beside a peer's, where one can be better than the other. */
export interface Comparison {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly better: "higher" | "lower";
}

/** What one part of a bench found. */
export interface Part {
  readonly tables: readonly Table[];
  readonly checks: readonly Check[];
}

/** What a bench found. */
export interface Outcome extends Part {
  readonly chart: Chart;
  readonly comparisons?: readonly Comparison[];
  /** The packages that it ran beside ours; those of the other benches where it is not said. */
  readonly peers?: readonly string[];
}

export type Judged = Check & { readonly ok: boolean };

export function judge(check: Check): Judged {
  const { value, atLeast, atMost } = check;
  const ok = (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
  return { ...check, value: round(value), ok };
}

/** What is asked of a check, for people. */
export function asked({ atLeast, atMost }: Check): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}

function round(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 1_000 ? 4 : 3));
}

/** A figure as tables show it. */
export function shown(value: number): string {
  return round(value).toLocaleString("en", { maximumFractionDigits: 10 });
}

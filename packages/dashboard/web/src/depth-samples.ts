/** How many jobs of each queue were ready at a moment, in seconds since 1970. */
export interface DepthSample {
  readonly at: number;
  readonly ready: ReadonlyMap<string, number>;
}
export interface DepthHistory {
  /** When the first sample came, in seconds since 1970. */
  readonly since: number;
  /** Samples stopped for a while. */
  readonly broken: boolean;
  /** In seconds since 1970. */
  readonly times: readonly number[];
  /** Null in the middle of each while without samples. */
  readonly queues: ReadonlyMap<string, readonly (number | null)[]>;
}

/** So many are kept of each stretch of time: of a day one in six minutes, of five minutes each that comes. */
const mostSamples = 240;
const apart = (minutes: number) => (minutes * 60) / mostSamples;

/** Samples of some stretches of time, in minutes: bounded, however long they go on. */
export class DepthSamples {
  private readonly rings: ReadonlyMap<number, DepthSample[]>;
  private since: number | undefined;
  private latest: DepthSample | undefined;

  constructor(stretches: readonly number[]) {
    this.rings = new Map(stretches.map((minutes) => [minutes, []]));
  }

  add(sample: DepthSample): void {
    this.since ??= sample.at;
    this.latest = sample;
    for (const [minutes, ring] of this.rings) {
      const before = ring.at(-1);
      if (before && sample.at - before.at < apart(minutes)) continue;
      if (ring.push(sample) > mostSamples) ring.shift();
    }
  }

  /** What is known of the last minutes, one of the stretches; undefined before the first sample. */
  over(minutes: number): DepthHistory | undefined {
    const { since, latest } = this;
    if (since === undefined || latest === undefined) return undefined;
    const within = ({ at }: DepthSample) => at > latest.at - minutes * 60 && at < latest.at;
    const samples = [...(this.rings.get(minutes) ?? []).filter(within), latest];
    const silent = Math.max(30, 3 * apart(minutes));
    const shown = samples.flatMap(
      (sample, index): readonly { at: number; ready: DepthSample["ready"] | null }[] => {
        const before = samples[index - 1];
        return before !== undefined && sample.at - before.at > silent
          ? [{ at: (before.at + sample.at) / 2, ready: null }, sample]
          : [sample];
      },
    );
    const names = new Set(samples.flatMap(({ ready }) => [...ready.keys()]));
    return {
      since,
      broken: shown.length > samples.length,
      times: shown.map(({ at }) => at),
      queues: new Map(
        [...names].map((name) => [name, shown.map(({ ready }) => ready && (ready.get(name) ?? 0))]),
      ),
    };
  }
}

import { parseArgs } from "node:util";

/** What every bench is told on the command line. */
export interface Options {
  /** The other queue systems too, side by side. */
  readonly peers: boolean;
  /** Small numbers: only to see whether it runs. */
  readonly quick: boolean;
  /** The second run of `sustained`, of ten minutes. */
  readonly long: boolean;
  /** Records the run in docs/benchmarks, and writes the page from it. */
  readonly write: boolean;
  /** How often each arm is measured, instead of the bench's own number. */
  readonly rounds: number | undefined;
}

/** @throws Error naming an argument that is none */
export function parseOptions(args: readonly string[]): { names: readonly string[]; options: Options } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      peers: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      rounds: { type: "string" },
    },
  });
  const { peers, quick, long, write } = values;
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds is ${values.rounds}, not a whole number of at least 1.`);
  if (quick && write) throw new Error("--quick measures nothing worth keeping: leave out --write.");
  return { names: positionals, options: { peers, quick, long, write, rounds } };
}

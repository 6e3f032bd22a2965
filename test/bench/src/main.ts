import { type Options, parseOptions } from "./options.ts";
import { othersBusyCores } from "./report/machine.ts";
import type { Outcome } from "./report/outcome.ts";
import { report } from "./report/report.ts";

/** `pnpm bench <name>`: prints tables, and one line of JSON at the end. A missed bar is a result, not a failure. */
const benches: Record<string, () => Promise<(options: Options) => Promise<Outcome>>> = {
  enqueue: async () => (await import("./enqueue/bench.ts")).enqueueBench,
  drain: async () => (await import("./drain/bench.ts")).drainBench,
  latency: async () => (await import("./latency/bench.ts")).latencyBench,
  sustained: async () => (await import("./sustained/bench.ts")).sustainedBench,
  growth: async () => (await import("./growth/bench.ts")).growthBench,
  idle: async () => (await import("./idle/bench.ts")).idleBench,
  memory: async () => (await import("./memory/bench.ts")).memoryBench,
  dashboard: async () => (await import("./dashboard/bench.ts")).dashboardBench,
  effects: async () => (await import("./effects/bench.ts")).effectsBench,
};

const usage = `Usage: pnpm bench <name> [--peers] [--quick] [--rounds <n>] [--long] [--write]
Benches: ${Object.keys(benches).join(", ")}.`;

async function main(args: readonly string[]): Promise<void> {
  const { names, options } = parseOptions(args);
  const [name = ""] = names;
  if (names.length !== 1 || !Object.hasOwn(benches, name)) throw new Error(usage);
  const busyCores = await othersBusyCores(options.quick ? 200 : 3_000);
  const bench = await benches[name]!();
  await report(await bench(options), {
    // The second run of one bench has a part of its own on the page.
    bench: options.long ? `${name}-long` : name,
    command: ["npx pnpm bench", ...args.filter((arg) => arg !== "--write")].join(" "),
    write: options.write,
    busyCores,
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? (error.message === usage ? usage : error.stack) : error);
  process.exitCode = 1;
}

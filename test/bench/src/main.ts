import { report } from "./report.ts";

/** `pnpm bench <name>`: prints tables, and one line of JSON at the end. A missed bar is a result, not a failure. */
const benches = {
  enqueue: async () => (await import("./enqueue/bench.ts")).enqueueBench(process.argv.slice(3)),
};

const name = process.argv[2] ?? "";
if (Object.hasOwn(benches, name)) {
  report(name, await benches[name as keyof typeof benches]());
} else {
  console.error(`Usage: pnpm bench <name>. Benches: ${Object.keys(benches).join(", ")}.`);
  process.exitCode = 1;
}

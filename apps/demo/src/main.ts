import { Command, InvalidArgumentError } from "commander";
import { runDemo } from "./demo.ts";
import { endings } from "./endings.ts";
import { holds, type Result, tableOf } from "./report.ts";
import { shops } from "./shops/index.ts";
import { openTown } from "./town.ts";
import type { WorkerProcess } from "./worker-process.ts";

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  return value;
};
const options = new Command("demo")
  .description(
    "Places orders through each ORM, and lets two workers write the invoices, one of which is killed.",
  )
  .option("--orders <n>", "how many orders each ORM places", whole(1), 100)
  .option("--orm <name>", `only this one: ${shops.map(({ name }) => name.toLowerCase()).join(", ")}`)
  .option("--seed <n>", "decides how each order ends", whole(0), 1)
  .parse()
  .opts<{ orders: number; orm?: string; seed: number }>();
const kinds = shops.filter(({ name }) => name.toLowerCase() === (options.orm ?? name).toLowerCase());
if (kinds.length === 0) {
  console.error(`No shop uses "${options.orm}". There is ${shops.map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}

console.log(
  `Starting ${process.env.DATABASE_URL ? "on the database of DATABASE_URL" : "an embedded Postgres"} …`,
);
const opening = openTown();
const workers = new Set<WorkerProcess>();
const interruption = new AbortController();
let running: Promise<Result[]> | undefined;
let closing: Promise<void> | undefined;
const close = () => {
  interruption.abort();
  // Workers first: the demo may be waiting for them. Schemas last: an order still in hand would hold locks in them.
  closing ??= Promise.all([...workers].map((worker) => worker.stop())).then(async () => {
    await running?.catch(() => {});
    await (await opening.catch(() => undefined))?.close();
  });
  return closing;
};
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  process.on(signal, async () => {
    await close().catch((error) => console.error(error));
    process.exit(code);
  });

const town = await opening.catch((error: Error) => {
  const where = process.env.DATABASE_URL ? "the database of DATABASE_URL" : "an embedded Postgres";
  console.error(`The demo cannot use ${where}: ${error.message || error}. Nothing was placed.`);
  process.exit(1);
});
console.log(`
${options.orders} orders go through each of: ${kinds.map(({ name }) => name).join(", ")}. Each order and the job that writes
its invoice are one transaction, which ends in one of these ways (seed ${options.seed}):
${Object.values(endings)
  .map((ending) => `  - ${ending}`)
  .join("\n")}
Two worker processes write the invoices. Half-way, one is killed with SIGKILL in the middle of its jobs; a third
takes its place.
`);
try {
  running = runDemo(town, { ...options, kinds, workers, signal: interruption.signal });
  const results = await running;
  const twice = results.reduce((sum, { audit }) => sum + audit.startedTwice, 0);
  console.log(
    twice > 0
      ? `The killed worker left ${twice} jobs half-done; the others ran them again.\n`
      : "The killed worker had no job in its hands this time: with more orders it will.\n",
  );
  console.log(tableOf(results));
  if (holds(results))
    console.log("\nEvery committed order has exactly one invoice, and no other order has a job.");
  else {
    console.error("\nA number that must be 0 is not (marked with !).");
    process.exitCode = 1;
  }
} catch (error) {
  if (closing === undefined) throw error;
} finally {
  await close();
}

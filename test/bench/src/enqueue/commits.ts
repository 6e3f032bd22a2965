import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type Check, printTable, round } from "../report.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import type { Arm, Done, Go } from "./client.ts";
import { sleepingWorker } from "./sleeping-worker.ts";
import type { BenchDatabase } from "./tables.ts";

const clients = 16;
const arms: readonly Arm[] = ["enqueue", "twin", "minimal"];

/**
 * Commits a second of 16 Node processes, each with one connection: begin, one business INSERT, the arm's
 * statement, commit. The bare INSERTs name queue, name and payload, leave the rest to defaults, and ask for
 * nothing back.
 */
export async function commitsPerSecond(
  { url, schema }: BenchDatabase,
  { rounds, windowMs }: { readonly rounds: number; readonly windowMs: number },
): Promise<Check[]> {
  const processes = await Promise.all(Array.from({ length: clients }, () => startClient(url, schema)));
  const measure = async (arm: Arm) => {
    const done = await Promise.all(processes.map((process) => ask(process, { arm, forMs: windowMs })));
    return done.reduce((sum, { commits, ms }) => sum + (commits / ms) * 1_000, 0);
  };
  const checks: Check[] = [];
  const table: string[][] = [];
  try {
    for (const asleep of [false, true]) {
      const worker = asleep ? await sleepingWorker(url, schema) : undefined;
      const setting = asleep ? "worker asleep on another queue" : "no worker";
      const samples = await alternate(arms, { rounds }, measure);
      await worker?.stop();
      for (const arm of arms)
        table.push([
          setting,
          arm === "enqueue" ? "enqueue" : `bare INSERT, ${arm} table`,
          String(round(median(samples[arm]))),
          ratio(samples.enqueue, samples[arm]).toFixed(3),
          spread(samples.enqueue, samples[arm]),
        ]);
      checks.push(
        {
          name: `commits/s of a bare INSERT into a twin table kept, ${setting}`,
          value: ratio(samples.enqueue, samples.twin),
          atLeast: 0.95,
        },
        {
          name: `commits/s of a bare INSERT into a minimal table kept, ${setting}`,
          value: ratio(samples.enqueue, samples.minimal),
          atLeast: 0.85,
        },
      );
    }
  } finally {
    for (const process of processes) process.disconnect();
  }
  console.log(`Transactions of ${clients} Node processes: one business INSERT and one job each`);
  printTable(["setting", "arm", "commits/s", "enqueue/arm", "middle half"], table);
  return checks;
}

async function startClient(url: string, schema: string): Promise<ChildProcess> {
  const child = fork(new URL("./client.ts", import.meta.url), [url, schema]);
  await once(child, "message");
  return child;
}

async function ask(child: ChildProcess, go: Go): Promise<Done> {
  child.send(go);
  return (await once(child, "message"))[0] as Done;
}

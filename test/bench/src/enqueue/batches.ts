import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { configure } from "@pillion/pg";
import type { PoolClient } from "pg";
import { type Check, type Part, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import { invoice, sendInvoice } from "./order.ts";
import type { BenchDatabase } from "./tables.ts";

const arms = ["enqueueMany", "by hand"] as const;

/** Jobs a second of `enqueueMany`, beside INSERT … SELECT from JSON as one writes it by hand, into the twin table. */
export async function batches(
  { pool, schema }: BenchDatabase,
  { rounds, jobs }: { readonly rounds: number; readonly jobs: number },
): Promise<Part> {
  const { enqueueMany } = configure({ schema });
  const client = await pool.connect();
  const run = {
    enqueueMany: () => enqueueMany(client, invoices(jobs)),
    "by hand": () => insertByHand(client, jobs),
  };
  try {
    const samples = await alternate(arms, { rounds }, async (arm) => {
      const start = performance.now();
      await client.query("begin");
      await run[arm]();
      await client.query("commit");
      const seconds = (performance.now() - start) / 1_000;
      await client.query("truncate job, twin");
      return jobs / seconds;
    });
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en")} jobs in one transaction`,
          head: ["arm", "jobs/s", "enqueueMany/arm", "middle half"],
          rows: arms.map((arm) => [
            arm,
            shown(median(samples[arm])),
            ratio(samples.enqueueMany, samples[arm]).toFixed(3),
            spread(samples.enqueueMany, samples[arm]),
          ]),
        },
      ],
      checks: [
        {
          name: "jobs/s of INSERT … SELECT by hand kept by enqueueMany",
          value: ratio(samples.enqueueMany, samples["by hand"]),
          atLeast: 0.8,
        },
        await memory(client, schema, jobs),
      ],
    };
  } finally {
    client.release();
  }
}

function* invoices(jobs: number, note?: string) {
  for (let order = 0; order < jobs; order++)
    yield sendInvoice(note === undefined ? invoice(order) : { ...invoice(order), customer: note });
}

/** As good as by hand gets: the statement takes 5,000 rows at a time, as one text. */
async function insertByHand(client: PoolClient, jobs: number): Promise<void> {
  for (let first = 0; first < jobs; first += 5_000) {
    const rows = Array.from({ length: Math.min(5_000, jobs - first) }, (_, index) => ({
      queue: "billing",
      name: "invoice.send",
      payload: invoice(first + index),
    }));
    await client.query(
      `insert into twin (queue, name, payload)
       select * from json_to_recordset($1) as j(queue text, name text, payload jsonb) returning id`,
      [JSON.stringify(rows)],
    );
  }
}

/** Flat memory: what the process holds at most while it enqueues from a generator does not grow with the batch. */
async function memory(client: PoolClient, schema: string, jobs: number): Promise<Check> {
  const { enqueueMany } = configure({ schema });
  const note = "x".repeat(4_096);
  const before = liveBytes();
  const peakOf = async (count: number) => {
    let peak = 0;
    function* watched() {
      let number = 0;
      for (const job of invoices(count, note)) {
        if (number++ % 2_500 === 0) peak = Math.max(peak, liveBytes() - before);
        yield job;
      }
    }
    await client.query("begin");
    await enqueueMany(client, watched());
    await client.query("rollback");
    return peak;
  };
  const [part, whole] = [await peakOf(jobs / 4), await peakOf(jobs)];
  return {
    name: `memory for ${jobs} jobs of 4 KiB, in that for a quarter of them`,
    value: whole / part,
    atMost: 1.5,
  };
}

/** What is in use after everything else is swept away. */
function liveBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

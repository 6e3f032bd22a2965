import type { Harness } from "@pillion/conformance";
import { defineAdapter, type Statement } from "@pillion/core/adapter";
import { allHarnesses } from "../../../harnesses.ts";
import type { Check, Part } from "../report/outcome.ts";
import { median, ratio, spread } from "../rounds.ts";
import { invoice, sendInvoice } from "./order.ts";
import { rawQuery } from "./raw-query.ts";
import type { BenchDatabase } from "./tables.ts";

interface Extent {
  readonly rounds: number;
  /** Statements of each kind in a round. */
  readonly calls: number;
}

/** The time that `enqueue(tx, job)` takes, beside the ORM's own raw query that runs the same statement. */
export async function addedTime(database: BenchDatabase, extent: Extent): Promise<Part> {
  const checks: Check[] = [];
  const table: string[][] = [];
  for (const harness of oneOfEach(await allHarnesses())) {
    const { enqueue, raw } = await timesOf(harness, database, extent);
    const name = `${harness.orm} ${harness.version} × ${harness.driver}`;
    const micros = (times: number[]) => String(Math.round(median(times) * 1_000));
    table.push([name, micros(enqueue), micros(raw), ratio(enqueue, raw).toFixed(3), spread(enqueue, raw)]);
    checks.push({
      name: `time of enqueue, in raw queries of ${name}`,
      value: ratio(enqueue, raw),
      atMost: 1.15,
    });
  }
  const title = "One statement in an open transaction, µs";
  return {
    tables: [{ title, head: ["ORM", "enqueue", "raw query", "enqueue/raw", "middle half"], rows: table }],
    checks,
  };
}

/** Forms of transaction run statements in the same way: one for each release and driver will do. */
function oneOfEach(harnesses: readonly Harness[]): Harness[] {
  return [...new Map(harnesses.map((h) => [`${h.orm} ${h.version} ${h.driver}`, h])).values()];
}

/** Medians of each round, in ms. A round is one transaction, in which the two take turns. */
async function timesOf(harness: Harness, { url, schema }: BenchDatabase, { rounds, calls }: Extent) {
  const { enqueue } = harness.adapter.configure({ schema });
  const raw = rawQuery[harness.orm]!;
  const statement = await statementOfEnqueue(schema);
  const connection = await harness.connect({ url, schema, poolSize: 1 });
  const arms = {
    enqueue: (tx: object, order: number) => enqueue(tx, sendInvoice(invoice(order))),
    raw: (tx: object, order: number) => raw(tx, statement(JSON.stringify(invoice(order)))),
  };
  const samples = { enqueue: [] as number[], raw: [] as number[] };
  try {
    for (let round = -2; round < rounds; round++) {
      const taken = { enqueue: [] as number[], raw: [] as number[] };
      await connection.transaction(async (tx) => {
        for (let call = 0; call < 2 * calls; call++) {
          // enqueue raw raw enqueue: neither is always the one after the other.
          const arm = call % 4 === 0 || call % 4 === 3 ? "enqueue" : "raw";
          const start = performance.now();
          await arms[arm](tx, call);
          taken[arm].push(performance.now() - start);
        }
      });
      if (round < 0) continue;
      samples.enqueue.push(median(taken.enqueue));
      samples.raw.push(median(taken.raw));
    }
  } finally {
    await connection.close();
  }
  return samples;
}

/** The statement that an enqueue sends, with another payload. */
async function statementOfEnqueue(schema: string): Promise<(payload: string) => Statement> {
  let sent!: Statement;
  const recorder = defineAdapter<object>({
    name: "Recorder",
    expects: "anything",
    handleLives: "connection",
    inTransaction: () => true,
    isClient: () => false,
    async run(_, statement) {
      sent = statement;
      return [{ answer: "1 1,true,ready" }];
    },
  });
  await recorder.configure({ schema }).enqueue({}, sendInvoice(invoice(0)));
  const recorded = JSON.stringify(invoice(0));
  return (payload) => ({
    ...sent,
    values: sent.values.map((value) => (value === recorded ? payload : value)),
  });
}

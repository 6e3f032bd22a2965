import { type Connection, type Harness, harnessName, type Order } from "@pillion/conformance";
import type { Handler, Statement } from "@pillion/core/adapter";
import { createWorker } from "@pillion/core/worker";
import { allHarnesses } from "../../../harnesses.ts";
import { rawQuery } from "../enqueue/raw-query.ts";
import { serve } from "../processes/serve.ts";
import { placed } from "./placed.ts";

/** What one client does with its jobs: the same order is written in a transaction of its own each time. */
export type Arm = "handler" | "by hand" | "no queue";

export interface Measured {
  readonly arm: Arm;
  readonly concurrency: number;
  /** The jobs, all of them in the table: waiting for the handler, claimed for `by hand`. */
  readonly ids: readonly string[];
  /** The fence of those that are claimed. */
  readonly claim: string;
}

let harness: Harness;
let connection: Connection<object, object>;
let schema: string;
let url: string;

/** The released form of an ORM that its pages begin with. */
async function newest(orm: string): Promise<Harness> {
  const of = (await allHarnesses()).filter(
    (one) => one.orm === orm && one.driver === "pg" && !one.version.includes("-"),
  );
  const { version } = of.at(-1)!;
  return of.find((one) => one.version === version)!;
}

const order = (number: number): Order => ({ id: `order ${number}`, total: 4_200, customer: null });

/** So many at a time, each when one before has ended. Answers the milliseconds that all took. */
async function loop(
  count: number,
  concurrency: number,
  act: (index: number) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let next = 0;
  const run = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, run));
  return performance.now() - start;
}

const arms: Record<Arm, (measured: Measured) => Promise<number>> = {
  "no queue": ({ ids, concurrency }) =>
    loop(ids.length, concurrency, (index) =>
      connection.transaction((tx) => harness.insertOrder(tx, order(index))),
    ),

  "by hand": ({ ids, concurrency, claim }) => {
    const raw = rawQuery[harness.orm]!;
    const complete = completion(schema);
    return loop(ids.length, concurrency, (index) =>
      connection.transaction(async (tx) => {
        await harness.insertOrder(tx, order(index));
        await raw(tx, complete({ id: ids[index]!, claim }));
      }),
    );
  },

  /** From the first handler's call until the last has committed. */
  async handler({ ids, concurrency }) {
    const { transactional, database } = harness.adapter.configure({ schema });
    let done = 0;
    let startedAt = 0;
    let endedAt = 0;
    let end!: () => void;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const handler = transactional(
      connection.client,
      placed,
      (tx, { payload }) => harness.insertOrder(tx, order(payload.order)) as never,
    );
    const counted: Handler = {
      ...handler,
      async run(job, attempt) {
        startedAt ||= performance.now();
        const result = await handler.run(job, attempt);
        endedAt = performance.now();
        if (++done === ids.length) end();
        return result;
      },
    };
    const worker = createWorker({
      database: database(connection.client),
      schema,
      handlers: [counted],
      concurrency,
      logger: { info() {}, warn: console.error, error: console.error },
      ...(!harness.traits.ownConnection && { listen: url }),
    });
    await worker.start();
    await ended;
    await worker.stop();
    return endedAt - startedAt;
  },
};

/** What the adapter sends at the end of a transactional handler. */
function completion(schema: string): (job: { id: string; claim: string }) => Statement {
  const parts = [
    `select ${schema}.complete(`,
    "::text::bigint, ",
    "::text::bigint, ",
    "::text::integer, ",
    "::text::jsonb) as status",
  ];
  const pieces = Object.assign([...parts], { raw: parts }) as unknown as TemplateStringsArray;
  const text = parts.reduce((joined, part, index) => `${joined}$${index}${part}`);
  return ({ id, claim }) => ({ pieces, text, values: [id, claim, "1", null] });
}

serve({
  /** Opens the ORM's client; answers the ORM's name. */
  async open(orm: string, to: { url: string; schema: string; poolSize: number }) {
    ({ url, schema } = to);
    harness = await newest(orm);
    connection = await harness.connect(to);
    return harnessName(harness);
  },
  /** Answers the milliseconds that all jobs took. */
  async measure(measured: Measured) {
    return arms[measured.arm](measured);
  },
  async close() {
    await connection.close();
  },
});

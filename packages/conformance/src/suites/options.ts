import assert from "node:assert/strict";
import { defaults, defineJob, type EnqueueOptions, type } from "@pillion/core";
import type { Context } from "../context.ts";
import type { StoredJob } from "../reader.ts";
import type { Case, Suite } from "../suite.ts";

const later = new Date("2099-12-31T23:59:59.999Z");

/** Each option, and what it is in the stored row. */
const options: readonly [name: string, options: EnqueueOptions, stored: Partial<StoredJob>][] = [
  ["queue", { queue: "mail, bulk 'é'" }, { queue: "mail, bulk 'é'" }],
  ["the highest priority", { priority: 4 }, { priority: "4" }],
  ["the lowest priority", { priority: -4 }, { priority: "-4" }],
  ["maxAttempts", { maxAttempts: 2_147_483_647 }, { max_attempts: "2147483647" }],
  ["partitionKey", { partitionKey: "tenant 😀" }, { partition_key: "tenant 😀" }],
  ["runAt", { runAt: later }, { state: "scheduled", run_at: `${later.getTime()}.000000` }],
  ["startBefore", { startBefore: later }, { state: "ready", start_before: `${later.getTime()}.000000` }],
  ["a runAt that is past", { runAt: new Date(1_000) }, { state: "ready", run_at: "1000.000000" }],
  [
    "headers",
    { headers: { trace: "00-ab", nested: { a: [1] } } },
    { headers: '{"trace": "00-ab", "nested": {"a": [1]}}' },
  ],
  ["uniqueKey", { uniqueKey: "a:1" }, { unique_key: "a:1" }],
  [
    "every option at once",
    {
      queue: "q",
      priority: 1,
      maxAttempts: 3,
      partitionKey: "p",
      runAt: later,
      startBefore: new Date(later.getTime() + 1),
      headers: {},
      uniqueKey: "u",
      uniqueUntil: "finished",
    },
    {
      queue: "q",
      priority: "1",
      max_attempts: "3",
      partition_key: "p",
      state: "scheduled",
      start_before: `${later.getTime() + 1}.000000`,
      headers: "{}",
      unique_key: "u",
    },
  ],
  [
    "no option, all of them undefined,",
    {
      queue: undefined,
      priority: undefined,
      maxAttempts: undefined,
      partitionKey: undefined,
      runAt: undefined,
      delayMs: undefined,
      startBefore: undefined,
      headers: undefined,
      uniqueKey: undefined,
      uniqueUntil: undefined,
      onConflict: undefined,
    },
    {
      queue: defaults.queue,
      priority: "0",
      partition_key: null,
      state: "ready",
      start_before: null,
      headers: null,
      unique_key: null,
    },
  ],
];

/** Enqueues one job by `enqueue` and one by `enqueueMany`. */
async function both(context: Context, option: EnqueueOptions): Promise<StoredJob[]> {
  const job = context.jobType();
  const connection = await context.connection();
  await connection.transaction(async (tx) => {
    await context.verbs.enqueue(tx, job(null, option));
    const other =
      option.uniqueKey === undefined ? option : { ...option, uniqueKey: `${option.uniqueKey} too` };
    await context.verbs.enqueueMany(tx, [job(null, other), job(null, { queue: "another" })]);
  });
  const stored = await context.reader.jobs(job.name);
  assert.equal(stored.length, 3, "jobs that exist");
  return stored.slice(0, 2);
}

const cases = options.map(
  ([name, option, wanted]): Case => ({
    name: `${name} is stored as given`,
    async run(context) {
      const stored = await both(context, option);
      for (const [column, value] of Object.entries(wanted))
        assert.deepEqual(
          stored.map((job) => job[column as keyof StoredJob]),
          column === "unique_key" && value !== null ? [value, `${value} too`] : [value, value],
          `the column ${column}`,
        );
    },
  }),
);

const others: Case[] = [
  {
    name: "delayMs counts from the statement that enqueues, not from the start of the transaction",
    async run(context) {
      const stored = await both(context, { delayMs: 3_600_000 });
      for (const job of stored) {
        assert.equal(job.state, "scheduled", "the state");
        assert.equal(
          Number(job.run_at) - Number(job.created_at),
          3_600_000,
          "run_at after created_at, in ms",
        );
      }
      const type = context.jobType();
      const connection = await context.connection();
      const started = await connection.transaction(async (tx) => {
        const [begun] = await context.harness.execute(
          tx,
          "select (extract(epoch from transaction_timestamp()) * 1000)::text as at from pg_sleep(0.01)",
        );
        await context.verbs.enqueue(tx, type(null, { delayMs: 0 }));
        return Number(begun!.at);
      });
      const [job] = await context.reader.jobs(type.name);
      assert.ok(Number(job!.run_at) - started >= 10, "run_at is the start of the transaction");
    },
  },
  {
    name: "what the job's type says is stored where the job itself says nothing",
    async run(context) {
      const { name } = context.jobType();
      const job = defineJob({
        name,
        payload: type<null>(),
        queue: "typed",
        priority: 2,
        maxAttempts: 7,
        version: 3,
      });
      const connection = await context.connection();
      await connection.transaction(async (tx) => {
        await context.verbs.enqueue(tx, job(null));
        await context.verbs.enqueueMany(tx, [job(null), job(null)]);
        await context.verbs.enqueueMany(tx, [job(null, { uniqueKey: "a" })]);
      });
      for (const { queue, priority, max_attempts, version } of await context.reader.jobs(name))
        assert.deepEqual(
          { queue, priority, max_attempts, version },
          { queue: "typed", priority: "2", max_attempts: "7", version: "3" },
          "what was stored",
        );
    },
  },
  {
    name: "the answer's state is the state that is stored",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const answers = await connection.transaction(async (tx) => [
        await context.verbs.enqueue(tx, type(null)),
        await context.verbs.enqueue(tx, type(null, { runAt: later })),
        ...(await context.verbs.enqueueMany(tx, [type(null, { delayMs: 1e10 }), type(null)])),
        await context.verbs.enqueue(tx, type(null, { uniqueKey: "a", runAt: later })),
        await context.verbs.enqueue(tx, type(null, { uniqueKey: "a" })),
      ]);
      assert.deepEqual(
        answers.map((answer) => answer.state),
        ["ready", "scheduled", "scheduled", "ready", "scheduled", "scheduled"],
        "states",
      );
    },
  },
];

/** Every option of a job reaches its row. */
export const optionsSuite: Suite = { name: "options", cases: () => [...cases, ...others] };

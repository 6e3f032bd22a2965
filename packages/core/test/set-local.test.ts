import { defineJob, type SetLocal, type } from "@pillion/core";
import { defineAdapter } from "@pillion/core/adapter";
import { testingOf } from "@pillion/core/testing";
import { createWorker } from "@pillion/core/worker";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withSavepoints } from "./testing/with-savepoints.ts";
import { type TestQueue, testQueue } from "./worker/queue.ts";

let queue: TestQueue;
beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue.drop());

const look =
  "select current_setting('app.tenant', true) as tenant, current_setting('statement_timeout') as timeout";
const define = (name: string) =>
  defineJob({ name, queue: name, payload: type<null>(), result: type<unknown>(), maxAttempts: 3 });

/** Verbs whose statements are kept, in their order: those of a transaction stand between BEGIN and COMMIT. */
function verbsOf(setLocal?: SetLocal) {
  const sent: string[] = [];
  const { configure } = defineAdapter<pg.ClientBase, pg.Pool>({
    name: "test",
    expects: "a client on which BEGIN has succeeded",
    handleLives: "connection",
    inTransaction: (client) => "escapeIdentifier" in client,
    isClient: (handle) => "totalCount" in handle,
    async run(handle, { text, values }) {
      sent.push(text);
      return (await handle.query(text, [...values])).rows;
    },
    async transaction(pool, _options, fn) {
      const client = await pool.connect();
      try {
        sent.length = 0;
        await client.query("begin");
        const result = await fn(client);
        await client.query("commit");
        return result;
      } finally {
        client.release(true);
      }
    },
  });
  return { verbs: configure({ schema: queue.schema, setLocal }), sent };
}

/** Runs one such job; answers its record, and what Pillion sent in its transaction. */
async function run(name: string, setLocal?: SetLocal) {
  const jobType = define(name);
  const { verbs, sent } = verbsOf(setLocal);
  const handler = verbs.transactional(queue.pool, jobType, async (tx) => (await tx.query(look)).rows[0]);
  const { id } = await queue.admin.enqueue(jobType(null, { headers: { tenant: "7" } }));
  const { schema, url } = queue;
  await createWorker({ database: url, schema, logger: false, handlers: [handler] }).runOnce();
  return { record: (await queue.admin.job(id))!, sent };
}

test("settings are one statement, the first in the job's transaction, and none where none are asked for", async () => {
  const set = await run("set", ({ headers }) => ({
    "app.tenant": `'; ${headers.tenant} "`,
    statement_timeout: "90s",
  }));
  expect(set.record).toMatchObject({
    state: "completed",
    result: { tenant: `'; 7 "`, timeout: "90s" },
  });
  expect(set.sent).toHaveLength(2);
  expect(set.sent[0]).toContain("set_config");
  for (const [name, setLocal] of [
    ["unset", undefined],
    ["empty", () => ({})],
    ["undefined", () => undefined],
  ] as const) {
    const unset = await run(name, setLocal);
    expect(unset.record).toMatchObject({ state: "completed", result: { tenant: null } });
    expect(unset.sent).toHaveLength(1);
  }
});

test.each<[string, SetLocal, string]>([
  [
    "lacks a value",
    () => ({ "app.tenant": undefined }),
    'the setting "app.tenant" that setLocal answered is undefined',
  ],
  ["has a number", () => ({ "app.tenant": 7 }) as never, "is a number, not a text"],
  ["has a NUL", () => ({ "app.tenant": "a\0" }), "U+0000"],
  ["has a name that is none", () => ({ "app.tenant'; --": "1" }), "which is no name of a setting"],
  ["is a text", () => "tenant" as never, 'setLocal answered "tenant", not an object'],
  ["is a promise", () => Promise.resolve({}) as never, "setLocal answered a promise, not an object"],
])(
  "a job whose settings cannot be is dead at once, before its transaction is opened: %s",
  async (why, setLocal, says) => {
    const { record, sent } = await run(why, setLocal as SetLocal);
    expect(record).toMatchObject({ state: "dead", attempt: 1, error: { name: "InvalidJobError" } });
    expect(record.error!.message).toContain(says);
    expect(record.error!.message).toContain(`job ${record.id} "${why}"`);
    expect(sent.filter((text) => text.includes("set_config"))).toEqual([]);
  },
);

test("configure refuses what is no function", () => {
  expect(() => verbsOf({ "app.tenant": "7" } as never)).toThrow(
    expect.objectContaining({
      code: "INVALID_CONFIGURATION",
      message: expect.stringContaining("setLocal is an object"),
    }),
  );
});

test("in a test each job has its settings, and the test's transaction those of its own again", async () => {
  const setLocal: SetLocal = ({ headers }) => ({ "app.tenant": String(headers.tenant) });
  const verbs = withSavepoints("test", queue.schema).configure({ schema: queue.schema, setLocal });
  const jobType = define("tested");
  const tx = await queue.pool.connect();
  try {
    await tx.query("begin");
    await tx.query("select set_config('app.tenant', 'mine', true)");
    for (const tenant of ["7", "8"]) await verbs.enqueue(tx, jobType(null, { headers: { tenant } }));
    const { ran } = await testingOf(verbs).runEnqueued(tx, [
      verbs.handle(queue.pool, jobType, async (job) => {
        const step = await job.stepTx("look", async (inner) => (await inner.query(look)).rows[0].tenant);
        return job.commit(async (inner) => [step, (await inner.query(look)).rows[0].tenant]);
      }),
    ]);
    expect(ran.map(({ result }) => result)).toEqual([
      ["7", "7"],
      ["8", "8"],
    ]);
    expect((await tx.query(look)).rows[0].tenant).toBe("mine");
  } finally {
    await tx.query("rollback");
    tx.release();
  }
});

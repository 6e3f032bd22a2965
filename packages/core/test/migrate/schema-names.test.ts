import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { forms } from "../every-form.ts";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { catalogOf } from "./catalog.ts";

const url = inject("databaseUrl");
let queue: OwnQueue;
let usual: string;
beforeAll(async () => {
  queue = await ownQueue("names");
  const client = await queue.pool.connect();
  usual = await catalogOf(client, queue.schema);
  client.release(true);
});
afterAll(() => queue.drop());

const echo = defineJob({ name: "echo", payload: type<number>() });

test.each([
  "Capitals",
  "with spaces",
  'double "quotes"',
  '"',
  "dots.and.pillion.job",
  "select",
  "$1 ? :name $& %s %I",
  "-- no comment /* at all",
  "semi;colon",
  "straße 店 😀",
  "é".repeat(31),
  "x".repeat(63),
])("a schema named %j is like any other: jobs go in by every way, and run", async (schema) => {
  onTestFinished(
    async () => void (await queue.pool.query(`drop schema ${pg.escapeIdentifier(schema)} cascade`)),
  );
  expect(await migrate({ database: queue.pool, schema })).toMatchObject({ from: 0 });
  expect(await migrate({ database: queue.pool, schema })).toMatchObject({ applied: [] });
  const client = await queue.connect();
  expect(await catalogOf(client, schema)).toBe(usual);

  const tx = await queue.begin();
  const verbs = queue.verbs.configure({ schema });
  for (const form of ["one", "batch", "keyed", "keyed batch"] as const)
    await forms[form]({ ...queue, verbs }, tx, "echo");
  await tx.query("commit");
  await verbs.enqueueStandalone(queue.pool, echo(1));
  await tx.query(`select ${pg.escapeIdentifier(schema)}.enqueue('echo', '1')`);
  const { hint } = await verbs.enqueue(tx, echo(1)).catch((error) => error);
  // The statement that the guard's hint names is one.
  await tx.query(/run (SET CONSTRAINTS .+ DEFERRED) first/.exec(hint)![1]!);

  const worker = createWorker({
    database: url,
    schema,
    logger: false,
    queues: ["default", "mail"],
    handlers: [handle(echo, ({ payload }) => payload)],
  });
  expect(await worker.runOnce()).toEqual({ ran: 8, failed: 0, more: false });
  const admin = createAdmin({ database: queue.pool, schema });
  expect(await admin.job("1")).toMatchObject({ name: "echo", state: "completed" });
  await admin.close();
});

test.each<[unknown]>([
  [""],
  ["x".repeat(64)],
  ["é".repeat(32)],
  ["it's"],
  ["back\\slash"],
  ["dollar$$quotes"],
  ["two\nlines"],
  ["nul\u0000"],
  ["half \ud800"],
  ["pg_jobs"],
  [null],
  [7],
])("a schema cannot be named %j, and the error says what can", async (schema) => {
  const error = {
    code: "INVALID_CONFIGURATION",
    message: expect.stringMatching(
      /^The schema name .+ cannot be used: a name has 1 to 63 bytes, does not start with pg_, and contains no single quote, backslash, \$\$ or control character\.$/,
    ),
  };
  await expect(migrate({ database: url, schema: schema as string })).rejects.toMatchObject(error);
  expect(() => queue.verbs.configure({ schema: schema as string })).toThrow(expect.objectContaining(error));
});

import { sqlStateOf } from "@pillion/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { added, type Form, formNames, forms, heldName } from "./every-form.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("guard");
});
afterAll(() => queue.drop());

const refusal = (name: string) => ({
  code: "25P01",
  severity: "ERROR",
  message: `pillion: job "${name}" was not enqueued, because the statement ran outside a transaction`,
  detail:
    "The handle was never in a transaction, or its transaction is over: the statement would have committed by itself.",
  hint:
    "Enqueue with the handle that the transaction callback received, and await it there; to commit a job by itself, " +
    "call enqueueStandalone. Under SET CONSTRAINTS ALL IMMEDIATE, run SET CONSTRAINTS " +
    `${queue.schema}.transaction_guard DEFERRED first.`,
});

test.each(formNames)("%s: in autocommit the database refuses it, and writes nothing", async (form: Form) => {
  const client = await queue.connect();
  const name = await heldName(queue);
  await expect(forms[form](queue, client, name)).rejects.toMatchObject(refusal(name));
  expect(await added(queue, name)).toBe(0);
  expect(await queue.query("select from pillion.guard")).toEqual([]);
});

test.each(formNames)("%s: after COMMIT and after ROLLBACK the same client is refused", async (form) => {
  const client = await queue.connect();
  const name = await heldName(queue);
  for (const end of ["commit", "rollback"]) {
    await client.query("begin");
    await client.query(end);
    await expect(forms[form](queue, client, name)).rejects.toMatchObject({ code: "25P01" });
  }
  expect(await added(queue, name)).toBe(0);
});

test("the refusal is the server's own error, and sqlStateOf reads it", async () => {
  const client = await queue.connect();
  const error = await forms.one(queue, client, await heldName(queue)).catch((error) => error);
  expect(sqlStateOf(error)).toBe("25P01");
  expect(sqlStateOf(new Error("wrapped", { cause: error }))).toBe("25P01");
});

test("sqlStateOf reads what a function of the application raises, and takes no code of Prisma's for a SQLSTATE", async () => {
  const client = await queue.connect();
  const error = await client.query("do $$ begin raise 'no such tenant'; end $$").catch((error) => error);
  expect(sqlStateOf(error)).toBe("P0001");
  expect(sqlStateOf(Object.assign(new Error("Raw query failed"), { code: "P2010" }))).toBeUndefined();
});

test("sent as one simple message, BEGIN and COMMIT around a guarded statement do not help; around the SQL function they do", async () => {
  const client = await queue.connect();
  const [guarded, free] = [await heldName(queue), await heldName(queue)];
  const { text, values } = await (async () => {
    await forms.one(queue, client, guarded).catch(() => {});
    return queue.sent.at(-1)!;
  })();
  const literal = text.replaceAll(/\$(\d+)/g, (_, number) => {
    const value = values[Number(number) - 1];
    return value == null ? "null" : client.escapeLiteral(value);
  });
  await expect(client.query(`begin; ${literal}; commit`)).rejects.toMatchObject(refusal(guarded));
  await client.query("rollback");
  expect(await added(queue, guarded)).toBe(0);
  await queue.query(`begin; select pillion.enqueue('${free}', '1'); commit`, undefined, client);
  expect(await added(queue, free)).toBe(1);
});

test.each(formNames)(
  "%s: under SET CONSTRAINTS ALL IMMEDIATE the error names the statement that mends it, and a savepoint undoes both",
  async (form) => {
    const tx = await queue.begin();
    const name = await heldName(queue);
    await tx.query("savepoint before");
    await tx.query("set constraints all immediate");
    const error = await forms[form](queue, tx, name).catch((error) => error);
    expect(error).toMatchObject(refusal(name));
    await tx.query("rollback to savepoint before");
    await forms[form](queue, tx, name);
    await tx.query("rollback");

    await tx.query("begin");
    await tx.query("set constraints all immediate");
    await tx.query(/run (SET CONSTRAINTS \S+ DEFERRED) first/.exec(error.hint)![1]!);
    await forms[form](queue, tx, name);
    await tx.query("commit");
  },
);

test("a transaction that asks for its deferred constraints early, after the enqueue, is not refused", async () => {
  for (const form of formNames) {
    const tx = await queue.begin();
    const name = await heldName(queue);
    await forms[form](queue, tx, name);
    await tx.query("set constraints all immediate");
    await tx.query("commit");
  }
  expect(await queue.query("select from pillion.guard")).toEqual([]);
});

import { defineJob, JobsFailedError, type } from "@pillion/core";
import { testingOf } from "@pillion/core/testing";
import { handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";
import { withSavepoints } from "./with-savepoints.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("testing_refused");
});
afterAll(() => queue.drop());

const echo = defineJob({ name: "echo", payload: type<number>() });

test("where an ORM has no savepoints, runEnqueued says so before any SQL, and expectEnqueued works", async () => {
  const { verbs, sent } = queue;
  const { expectEnqueued, runEnqueued } = testingOf(verbs);
  const tx = await queue.begin();
  await verbs.enqueue(tx, echo(1));
  const before = sent.length;
  await expect(runEnqueued(tx, [handle(echo, () => {})])).rejects.toMatchObject({
    code: "NO_SAVEPOINTS",
    message: expect.stringMatching(/^test runEnqueued: .* the adapter of test knows of none/),
  });
  expect(sent).toHaveLength(before);
  expect(await expectEnqueued(tx, echo, 1)).toHaveLength(1);
});

test("a handler that commits through another ORM than the test's fails by name, and the others run", async () => {
  const [here, there] = [withSavepoints("Here", queue.schema), withSavepoints("There", queue.schema)];
  const other = defineJob({ name: "other", payload: type<number>() });
  const tx = await queue.begin();
  await here.enqueueMany(tx, [echo(1), other(2)]);
  const handlers = [
    there.transactional(queue.pool, echo, () => {}),
    here.transactional(queue.pool, other, () => {}),
  ];
  const error = await testingOf(here)
    .runEnqueued(tx, handlers)
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(JobsFailedError);
  const { failed, ran } = error as JobsFailedError;
  expect(failed.map(({ name, error }) => [name, (error as { code?: string }).code])).toEqual([
    ["echo", "INVALID_DEFINITION"],
  ]);
  expect(String(failed[0]!.error)).toMatch(/job \d+ "echo" .* commits through There, and .* is one of Here/);
  expect(ran.map(({ name, state }) => [name, state])).toEqual([["other", "completed"]]);
});

test("only an adapter's verbs have verbs for tests", () => {
  expect(() => testingOf({ configure: () => queue.verbs })).toThrow(
    /testingOf takes the verbs of an adapter/,
  );
});

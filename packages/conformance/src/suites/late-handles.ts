import assert from "node:assert/strict";
import { defineJob, PillionError, sqlStateOf, type } from "@pillion/core";
import { type AnyJob, type Context, deferred } from "../context.ts";
import { assertSqlState, describeError, refusal, rejection } from "../expect.ts";
import { duplicateForms, type Form, freshForms } from "../forms.ts";
import type { Harness } from "../harness.ts";
import type { Case, Suite } from "../suite.ts";

class Stop extends Error {}
const anyPayload = type<unknown>();

/** A transaction's handle, kept beyond its end. */
async function kept(context: Context, ending: "COMMIT" | "ROLLBACK", use: (tx: object) => Promise<unknown>) {
  const open = await context.open(await context.connection());
  await use(open.tx);
  await (ending === "COMMIT" ? open.commit() : open.rollback());
  return open.tx;
}

/** Asserts that the right layer refused, as the harness says of its ORM. */
export function assertRefusedBy(harness: Harness, error: unknown): void {
  const by = PillionError.is(error)
    ? error.code === "NOT_IN_TRANSACTION"
      ? "adapter"
      : error.code
    : sqlStateOf(error) === "25P01"
      ? "database"
      : "orm";
  assert.equal(
    by,
    harness.traits.finishedHandle,
    `the trait finishedHandle is not what happens: ${describeError(error)}`,
  );
}

/** A job type whose payload is still being validated when its transaction ends. */
function slowJob(context: Context): { type: AnyJob; validated: () => void } {
  const gate = deferred<void>();
  const schema = type<unknown>();
  const payload = {
    "~standard": {
      ...schema["~standard"],
      validate: async (value: unknown) => {
        await gate.promise;
        return { value };
      },
    },
  } as typeof schema;
  return {
    type: defineJob({ name: context.jobType().name, payload }),
    validated: () => gate.resolve(),
  };
}

const afterTheEnd = (["COMMIT", "ROLLBACK"] as const).flatMap((ending) =>
  [...freshForms, ...duplicateForms].map(
    (form: Form): Case => ({
      name: `${form.name} with the handle of a transaction after its ${ending} is refused and writes nothing`,
      async run(context) {
        const type = context.jobType();
        const connection = await context.connection();
        if (duplicateForms.includes(form))
          await connection.transaction((tx) => context.verbs.enqueue(tx, type(null, { uniqueKey: "held" })));
        const before = await context.reader.jobs(type.name);
        const tx = await kept(context, ending, async () => {});
        const error = await rejection(
          form.enqueue(context.verbs, tx, type, "held"),
          `an enqueue after ${ending} was accepted`,
        );
        assert.deepEqual(
          await context.reader.jobs(type.name),
          before,
          `an enqueue after ${ending} wrote a job`,
        );
        assertRefusedBy(context.harness, error);
      },
    }),
  ),
);

const unAwaited = [...freshForms, ...duplicateForms].map(
  (form: Form): Case => ({
    name: `${form.name} that reaches the database only after COMMIT is refused and writes nothing`,
    async run(context) {
      const { type, validated } = slowJob(context);
      const quick = defineJob({ name: type.name, payload: anyPayload });
      const connection = await context.connection();
      if (duplicateForms.includes(form))
        await connection.transaction((tx) => context.verbs.enqueue(tx, quick(null, { uniqueKey: "held" })));
      const before = await context.reader.jobs(type.name);
      let late!: Promise<unknown>;
      await connection.transaction(async (tx) => {
        late = form.enqueue(context.verbs, tx, type, "held");
        late.catch(() => {});
      });
      validated();
      const error = await rejection(late, "an enqueue that reached the database after COMMIT was accepted");
      assert.deepEqual(await context.reader.jobs(type.name), before, "an enqueue after COMMIT wrote a job");
      if (sqlStateOf(error) !== undefined)
        assertSqlState(error, "25P01", "it was not the guard that refused");
    },
  }),
);

const others: Case[] = [
  {
    name: "an un-awaited enqueue of a transaction that throws writes nothing",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      let late!: Promise<unknown>;
      await rejection(
        connection.transaction(async (tx) => {
          late = context.verbs.enqueue(tx, type(null));
          late.catch(() => {});
          throw new Stop();
        }),
        "the transaction resolved although its function threw",
      );
      await late.catch(() => {});
      assert.equal((await context.reader.jobs(type.name)).length, 0, "a rolled-back job exists");
    },
  },
  {
    name: "an un-awaited enqueue of a transaction that commits has told the truth",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      let late!: Promise<unknown>;
      await connection.transaction(async (tx) => {
        late = context.verbs.enqueue(tx, type(null));
        late.catch(() => {});
      });
      const jobs = await late.then(
        () => 1,
        () => 0,
      );
      assert.equal(
        (await context.reader.jobs(type.name)).length,
        jobs,
        "jobs, where the promise promised them",
      );
    },
  },
  {
    name: "a handle whose connection is inside a later transaction belongs to its own transaction only",
    async run(context) {
      const [early, late] = [context.jobType(), context.jobType()];
      const order = context.order();
      const connection = await context.connect({ poolSize: 1 });
      const first = await context.open(connection);
      await context.within("enqueue with a pool of one", context.verbs.enqueue(first.tx, early(null)));
      await first.commit();
      const second = await context.open(connection);
      assert.equal(second.pid, first.pid, "a pool of one opened a second connection");
      await context.harness.insertOrder(second.tx, order);
      await context.verbs.enqueue(second.tx, early(null));
      const leaked = context.verbs.enqueue(first.tx, late(null));
      if (context.harness.traits.handleLives === "connection") {
        // A handle that is the connection is inside the second transaction, and so is its job.
        await leaked.catch((error) => assertRefusedBy(context.harness, error));
        await second.rollback();
        assert.equal((await context.reader.jobs(late.name)).length, 0, "a job outlived its transaction");
        return;
      }
      if (context.harness.traits.finishedHandle === "database")
        await refusal(leaked, "TRANSACTION_CHANGED", "a leaked handle was accepted");
      else assertRefusedBy(context.harness, await rejection(leaked, "a leaked handle was accepted"));
      await second.commit();
      assert.equal((await context.reader.jobs(late.name)).length, 0, "a leaked handle wrote a job");
      assert.equal(
        (await context.reader.jobs(early.name)).length,
        2,
        "the transaction it landed in lost its job",
      );
      assert.ok(await context.reader.hasOrder(order.id), "the transaction it landed in lost its order");
    },
  },
  {
    name: "a handle that has enqueued is refused after its end too",
    async run(context) {
      const [early, late] = [context.jobType(), context.jobType()];
      const tx = await kept(context, "COMMIT", (open) => context.verbs.enqueue(open, early(null)));
      await rejection(context.verbs.enqueue(tx, late(null)), "an enqueue after COMMIT was accepted");
      await rejection(context.verbs.enqueueMany(tx, [late(1), late(2)]), "a batch after COMMIT was accepted");
      assert.equal((await context.reader.jobs(late.name)).length, 0, "an enqueue after COMMIT wrote a job");
    },
  },
];

/** A handle is good for the life of its transaction: late and leaked ones are refused and write nothing. */
export const lateHandles: Suite = {
  name: "late and leaked handles",
  cases: () => [...afterTheEnd, ...unAwaited, ...others],
};

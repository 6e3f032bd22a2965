import assert from "node:assert/strict";
import { type Act, cancelling, emitting, pausing, publishing, rescheduling, retrying } from "../acts.ts";
import type { Context } from "../context.ts";
import { accepted, refusal, rejection } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { assertRefusedBy } from "./late-handles.ts";
import { traffic } from "./one-connection.ts";
import { silently } from "./refusals.ts";

class Stop extends Error {}

type Run = (context: Context, act: Act) => Promise<void>;

/** Done by its COMMIT, and by nothing before. */
const committed: Run = async (context, act) => {
  const subject = await act.prepare(context);
  const { wire } = await context.wired();
  // Of its first statements: later ones may be statements that the driver has prepared by name.
  const connection = await context.connect({ url: wire.url });
  const open = await context.open(connection);
  const before = await act.look(context, subject);
  let answer: unknown;
  const sent = await traffic(wire, async () => {
    answer = await accepted(act.act(context.verbs, open.tx, subject), `${act.name} failed`);
  });
  const insert = await traffic(wire, () => context.harness.insertOrder(open.tx, context.order()));
  assert.equal(
    await act.look(context, subject),
    before,
    `another connection sees a ${act.name} before COMMIT`,
  );
  await open.commit();
  assert.equal(await act.look(context, subject), act.done, `what is there after a ${act.name}`);
  assert.deepEqual(answer, act.answer(subject), `the answer of ${act.name}`);
  assert.equal(sent.statements, 1, `statements of ${act.name}`);
  assert.ok(
    sent.roundTrips <= insert.roundTrips,
    `${sent.roundTrips} round trips of ${act.name}; an insert takes ${insert.roundTrips}`,
  );
  assert.equal(sent.namedStatements + sent.connections, 0, "named statements and new connections");
};

/** Undone with its transaction, and with a part of it. */
const undone: Run = async (context, act) => {
  const subject = await act.prepare(context);
  const { harness, verbs } = context;
  const connection = await context.connection();
  const before = await act.look(context, subject);
  await rejection(
    connection.transaction(async (tx) => {
      await act.act(verbs, tx, subject);
      throw new Stop();
    }),
    "the transaction resolved although its function threw",
  );
  assert.equal(
    await act.look(context, subject),
    before,
    `a ${act.name} was done although its transaction threw`,
  );
  const order = context.order();
  await connection.transaction(async (tx) => {
    await harness.insertOrder(tx, order);
    // In SQL: not every ORM that can do without nested transactions has them.
    await harness.execute(tx, "savepoint a_part");
    await act.act(verbs, tx, subject);
    await harness.execute(tx, "rollback to savepoint a_part");
  });
  assert.equal(
    await act.look(context, subject),
    before,
    `a ${act.name} outlived the rollback to its savepoint`,
  );
  assert.ok(await context.reader.hasOrder(order.id), "the rest of the transaction is missing");
};

/** Refused once its transaction is over, whatever the handle reaches then. */
const late: Run = async (context, act) => {
  const subject = await act.prepare(context);
  const { harness, verbs } = context;
  const before = await act.look(context, subject);
  const connection = await context.connection();
  for (const ending of ["commit", "rollback"] as const) {
    const open = await context.open(connection);
    await open[ending]();
    const error = await rejection(
      act.act(verbs, open.tx, subject),
      `a ${act.name} after ${ending} was accepted`,
    );
    assert.equal(await act.look(context, subject), before, `a ${act.name} after ${ending} was done`);
    assertRefusedBy(harness, error);
  }
  if (harness.traits.handleLives === "connection") return;
  const ofOne = await context.connect({ poolSize: 1 });
  const first = await context.open(ofOne);
  await act.act(verbs, first.tx, await act.prepare(context));
  await first.commit();
  const second = await context.open(ofOne);
  const leaked = act.act(verbs, first.tx, subject);
  if (harness.traits.finishedHandle === "database")
    await refusal(leaked, "TRANSACTION_CHANGED", `a leaked handle was accepted by ${act.name}`);
  else assertRefusedBy(harness, await rejection(leaked, `a leaked handle was accepted by ${act.name}`));
  await second.commit();
  assert.equal(await act.look(context, subject), before, `a leaked handle has done a ${act.name}`);
};

/** What cannot be meant is refused before SQL. */
const refused: Run = async (context, act) => {
  const subject = await act.prepare(context);
  const { harness, verbs } = context;
  const { connection, wire } = await context.wired();
  const open = await context.open(connection);
  const wrong = harness.wrongHandles.map(({ says, make }) => ({
    says,
    handle: make(connection, context.after),
  }));
  const made = await Promise.all(wrong.map(async ({ says, handle }) => ({ says, handle: await handle })));
  await silently(wire, `a refused ${act.name}`, async () => {
    for (const { says, handle } of [...made, { says: "nothing (undefined)", handle: undefined }]) {
      const error = await refusal(
        act.act(verbs, handle as object, subject),
        "NOT_IN_TRANSACTION",
        `${act.name} accepted ${says}`,
      );
      const verb = act.name.split(" ")[0]!;
      assert.ok(error.message.includes(verb), `the message does not say "${verb}": ${error.message}`);
      assert.ok(error.message.includes(says), `the message does not say "${says}": ${error.message}`);
    }
    for (const [what, call] of Object.entries(act.bad))
      await refusal(call(verbs, open.tx), act.code, `${act.name} accepted ${what}`);
  });
  await accepted(act.act(verbs, open.tx, subject), "the caller's transaction is no longer usable");
  await open.commit();
  assert.equal(await act.look(context, subject), act.done, `what is there after a ${act.name}`);
};

const promises: readonly [name: string, run: Run][] = [
  ["is done by the COMMIT of its transaction, unseen before, in one statement on its connection", committed],
  ["is undone by a throw, and by a rollback to a savepoint before it", undone],
  ["is refused and does nothing with the handle of a transaction that is over", late],
  ["refuses wrong handles and bad input before anything is sent, and the transaction goes on", refused],
];

const suite = (name: string, acts: readonly Act[]): Suite => ({
  name,
  cases: () =>
    promises.map(
      ([promise, run]): Case => ({
        name: `${name} ${promise}`,
        async run(context) {
          for (const act of acts) await run(context, act);
        },
      }),
    ),
});

/** What is done with jobs and queues that exist rides on the transaction too: a suite for each verb. */
export const verbSuites: readonly Suite[] = [
  suite("cancel", cancelling),
  suite("retry", retrying),
  suite("reschedule", rescheduling),
  suite("pause and resume", pausing),
  suite("publish", publishing),
  suite("emit", emitting),
];

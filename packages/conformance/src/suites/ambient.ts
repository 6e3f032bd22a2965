import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Ambient } from "@pillion/core";
import type { Context } from "../context.ts";
import { everyVerb } from "../every-verb.ts";
import { accepted, refusal, rejection } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { assertRefusedBy } from "./late-handles.ts";
import { silently } from "./refusals.ts";

type AnyAmbient = Ambient<object>;

class Stop extends Error {}

/** What an application keeps its transaction in, and what it hands to the verbs. */
function stored({ harness }: Context) {
  const store = new AsyncLocalStorage<object>();
  // Made by the adapter as it is imported, and given to verbs that are bound to the run's schema.
  return { store, tx: harness.adapter.ambient(() => store.getStore()) as AnyAmbient };
}

const cases: Case[] = [
  {
    name: "every verb is done by the COMMIT of the transaction around it, unseen before, and undone by a throw",
    async run(context) {
      const connection = await context.connection();
      const { store, tx } = stored(context);
      for (const act of everyVerb) {
        const subject = await act.prepare(context);
        const before = await act.look(context, subject);
        const service = () => accepted(act.act(context.verbs, tx, subject), `an ambient ${act.name} failed`);
        await rejection(
          connection.transaction((open) =>
            store.run(open, async () => {
              await service();
              throw new Stop();
            }),
          ),
          "the transaction resolved although its function threw",
        );
        assert.equal(await act.look(context, subject), before, `after a throw around an ambient ${act.name}`);
        const open = await context.open(connection);
        await store.run(open.tx, service);
        assert.equal(await act.look(context, subject), before, `before the COMMIT of an ambient ${act.name}`);
        await open.commit();
        assert.equal(
          await act.look(context, subject),
          act.done,
          `after the COMMIT of an ambient ${act.name}`,
        );
      }
    },
  },
  {
    name: "transactions that are open at the same time, and after one another, each get their own calls' jobs",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const { store, tx } = stored(context);
      const [kept, undone] = [await context.open(connection), await context.open(connection)];
      const call = (open: { tx: object }, payload: string) =>
        store.run(open.tx, async () => {
          await context.verbs.enqueue(tx, type(payload));
          await context.verbs.enqueueMany(tx, [type(payload)]);
        });
      await accepted(
        Promise.all([call(kept, "kept"), call(undone, "undone")]),
        "calls in two transactions at the same time",
      );
      await Promise.all([kept.commit(), undone.rollback()]);
      const later = await context.open(connection);
      await accepted(call(later, "later"), "a call in a later transaction");
      await later.commit();
      assert.deepEqual(
        (await context.reader.jobs(type.name)).map(({ payload }) => payload),
        ['"kept"', '"kept"', '"later"', '"later"'],
        "the jobs of the transactions that have committed",
      );
    },
  },
  {
    name: "outside a transaction every verb throws, says so, and sends nothing: with nothing, the root client, or an error",
    async run(context) {
      const { harness, verbs } = context;
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      const thrown = new Error("no context here");
      const answers: { says: string; ambient: AnyAmbient; cause?: unknown }[] = [
        { says: "nothing (undefined)", ambient: verbs.ambient(() => undefined) },
        {
          says: thrown.message,
          cause: thrown,
          ambient: verbs.ambient(() => {
            throw thrown;
          }),
        },
        { says: "a promise", ambient: verbs.ambient(() => Promise.resolve(open.tx)) },
        { says: "an ambient transaction", ambient: verbs.ambient(() => verbs.ambient(() => open.tx)) },
      ];
      for (const { says, make } of harness.wrongHandles) {
        const handle = (await make(connection, context.after)) as object;
        answers.push({ says, ambient: verbs.ambient(() => handle) });
      }
      for (const act of everyVerb) {
        const subject = await act.prepare(context);
        const before = await act.look(context, subject);
        await silently(wire, `a refused ambient ${act.name}`, async () => {
          for (const { says, ambient, cause } of answers) {
            const error = await refusal(
              act.act(verbs, ambient, subject),
              "NOT_IN_TRANSACTION",
              `an ambient ${act.name} was accepted where its function answers ${says}`,
            );
            for (const words of [act.name.split(" ")[0]!, "ambient", says])
              assert.ok(
                error.message.includes(words),
                `the message does not say "${words}": ${error.message}`,
              );
            assert.equal(error.cause, cause, "the cause");
          }
        });
        assert.equal(await act.look(context, subject), before, `a refused ambient ${act.name} was done`);
      }
      await accepted(
        verbs.enqueue(
          verbs.ambient(() => open.tx),
          context.jobType()(null),
        ),
        "the transaction is no longer usable",
      );
      await open.commit();
    },
  },
  {
    name: "each call asks once, and at once, however long it takes and whatever it sends",
    async run(context) {
      const open = await context.open(await context.connection());
      const once = async (what: string, call: (tx: AnyAmbient) => Promise<unknown>) => {
        let current: object | undefined = open.tx;
        let asked = 0;
        const tx = context.verbs.ambient(() => {
          asked++;
          return current;
        });
        const called = call(tx as AnyAmbient);
        current = undefined;
        await accepted(called, `an ambient ${what}, once its function answers nothing`);
        assert.equal(asked, 1, `how often an ambient ${what} has asked`);
      };
      for (const act of everyVerb) {
        const subject = await act.prepare(context);
        await once(act.name, (tx) => act.act(context.verbs, tx, subject));
      }
      const type = context.jobType();
      await once("enqueueMany of two statements", (tx) =>
        context.verbs.enqueueMany(
          tx,
          Array.from({ length: 5_001 }, () => type(null)),
        ),
      );
      await open.commit();
      assert.equal((await context.reader.jobs(type.name)).length, 5_001, "jobs of the two statements");
    },
  },
  {
    name: "a call whose context outlives its transaction is refused as the handle itself is, and writes nothing",
    async run(context) {
      const type = context.jobType();
      const { store, tx } = stored(context);
      const connection = await context.connect({ poolSize: 1 });
      const enqueueIn = (open: { tx: object }, job = type(null)) =>
        store.run(open.tx, () => context.verbs.enqueue(tx, job));
      const over = await context.open(connection);
      await over.commit();
      const error = await rejection(enqueueIn(over), "an ambient enqueue after COMMIT was accepted");
      assertRefusedBy(context.harness, error);
      // A handle that is a connection serves the next transaction too.
      if (context.harness.traits.handleLives === "transaction") {
        const first = await context.open(connection);
        await enqueueIn(first, context.jobType()(null));
        await first.commit();
        const second = await context.open(connection);
        await rejection(enqueueIn(first), "an ambient enqueue landed in a later transaction");
        await second.commit();
      }
      assert.equal((await context.reader.jobs(type.name)).length, 0, "jobs of a context that is over");
    },
  },
  {
    name: "it is made of a function, and taken only where a transaction is",
    async run(context) {
      const { verbs } = context;
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      await silently(wire, "making an ambient transaction", async () => {
        for (const wrong of [open.tx, undefined, Promise.resolve(open.tx)])
          await refusal(
            (async () => verbs.ambient(wrong as never))(),
            "INVALID_DEFINITION",
            "ambient took what is no function",
          );
        await refusal(
          verbs.enqueueStandalone(
            verbs.ambient(() => open.tx),
            context.jobType()(null),
          ),
          "INVALID_CONFIGURATION",
          "enqueueStandalone took an ambient transaction",
        );
      });
    },
  },
];

/** Services that are not given their transaction reach it all the same, and nothing else. */
export const ambient: Suite = { name: "ambient", cases: () => cases };

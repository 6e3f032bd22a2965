import assert from "node:assert/strict";
import { defineEvent, type } from "@pillion/core";
import { type Context, deferred } from "../context.ts";
import { accepted, refusal } from "../expect.ts";
import { orderJob } from "../order-job.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, enqueued, stepWriters, working } from "../working.ts";

const resultOf = async ({ reader, place }: Context, id: string) =>
  JSON.parse(
    (await reader.query(`select result::text from ${place.jobs}.archive where id = $1`, [id]))[0]!.result!,
  );

const cases: Case[] = [
  {
    name: "what stepTx writes and its step are one transaction, which later attempts do not run again",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      let runs = 0;
      const handler = context.verbs.handle(client, placed, async (job) => {
        const answer = await job.stepTx("place", async (tx: object) => {
          runs++;
          await context.harness.insertOrder(tx, job.payload);
          return { runs, left: undefined };
        });
        if (job.attempt === 1) throw new Error("the first attempt fails behind its step");
        return answer as never;
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      const { order: wrote, last: step } = await stepWriters(context, id, order);
      assert.notEqual(wrote, null, "the order of a recorded step is missing");
      assert.equal(wrote, step, "the order and the step have different transactions");
      assert.deepEqual([runs, await resultOf(context, id)], [1, { runs: 1 }], "runs and answer");
    },
  },
  {
    name: "a throw in stepTx rolls back what it has written and records no step: the next attempt writes it once",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const attempts: number[] = [];
      const handler = context.verbs.handle(client, placed, async (job) => {
        await job.stepTx("place", async (tx: object) => {
          attempts.push(job.attempt);
          await context.harness.insertOrder(tx, job.payload);
          if (job.attempt === 1) throw new Error("the first attempt fails in its step");
        });
        return {};
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await ended(context, id, "completed");
      assert.deepEqual(attempts, [1, 2], "attempts in which the step ran");
      const { order: wrote, last: step } = await stepWriters(context, id, order);
      assert.equal(wrote, step, "the order and the step have different transactions");
    },
  },
  {
    name: "an answer that cannot be stored is refused by the step's name, and what stepTx has written is rolled back",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const refused = deferred<unknown>();
      const handler = context.verbs.handle(client, placed, async (job) => {
        const answer = job.stepTx("place", async (tx: object) => {
          await context.harness.insertOrder(tx, job.payload);
          return 1n;
        });
        await answer.then(refused.resolve, refused.resolve);
        return {};
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      const error = await refusal(
        context.within("the handler", refused.promise).then((error) => Promise.reject(error)),
        "INVALID_STEP",
        "an answer that JSON cannot carry was recorded",
      );
      assert.match(error.message, new RegExp(`job ${id} .*step "place" .*BigInt`), "the message");
      await ended(context, id, "dead");
      const { order: wrote, last: step } = await stepWriters(context, id, order);
      assert.deepEqual([wrote, step], [null, null], "the order and the step");
    },
  },
  {
    name: "a step whose job has passed to another worker commits nothing",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const { client } = await context.connection();
      const [written, passed, refused] = [deferred<void>(), deferred<void>(), deferred<unknown>()];
      const handler = context.verbs.handle(client, placed, async (job) => {
        const answer = job.stepTx("place", async (tx: object) => {
          await context.harness.insertOrder(tx, job.payload);
          written.resolve();
          await passed.promise;
        });
        await answer.then(refused.resolve, refused.resolve);
        return {};
      });
      await working(context, [handler]);
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await context.within("the handler", written.promise);
      await context.reader.query(
        `update ${context.place.jobs}.job set claim = nextval('${context.place.jobs}.claim') where id = $1`,
        [id],
      );
      passed.resolve();
      await refusal(
        context.within("the handler", refused.promise).then((error) => Promise.reject(error)),
        "LEASE_LOST",
        "the step of a lost attempt went through",
      );
      const { order: wrote, last: step } = await stepWriters(context, id, order);
      assert.deepEqual([wrote, step], [null, null], "the order and the step of a lost attempt");
    },
  },
  {
    name: "a step within commit is refused, and so is a stepTx within a stepTx; nothing of it is written",
    async run(context) {
      const { client } = await context.connection();
      const ways = {
        "after commit was called": (job: never, tx: (tx: object) => Promise<unknown>) =>
          (job as { commit(fn: unknown): Promise<unknown> }).commit(tx),
        'began while step "outer" was under way': (job: never, tx: (tx: object) => Promise<unknown>) =>
          (job as { stepTx(name: string, fn: unknown): Promise<unknown> }).stepTx("outer", tx),
      };
      for (const [says, way] of Object.entries(ways)) {
        const { name } = context.jobType();
        const type = orderJob(name);
        const refused = deferred<unknown>();
        const handler = context.verbs.handle(client, type, async (job) => {
          const inner = async (tx: object) => {
            await context.harness.insertOrder(tx, job.payload);
            await job.stepTx("inner", () => {});
          };
          await way(job as never, inner).then(refused.resolve, refused.resolve);
          return {};
        });
        await working(context, [handler]);
        const order = context.order();
        await enqueued(context, type(order));
        const error = await refusal(
          context.within("the handler", refused.promise).then((error) => Promise.reject(error)),
          "INVALID_STEP",
          `a step that began ${says} went through`,
        );
        assert.ok(error.message.includes(says), `the message does not say "${says}": ${error.message}`);
        assert.equal(await context.reader.hasOrder(order.id), false, "the order of a refused step");
      }
    },
  },
  {
    name: "an event that a transaction emits is answered to a job that waits once it has committed, and never where it rolls back",
    async run(context) {
      const placed = orderJob(context.jobType().name);
      const moved = defineEvent({ name: context.jobType().name, payload: type<{ total: number }>() });
      const { client } = await context.connection();
      const handler = context.verbs.handle(client, placed, async (job) => {
        const { total } = await job.waitForEvent(moved(job.payload.id));
        return { total };
      });
      await working(context, [handler], { pollMs: 100 });
      const order = context.order();
      const id = await enqueued(context, placed(order));
      await context.reader.until(
        "the job waits",
        `select from ${context.place.jobs}.job j join ${context.place.jobs}.wait w on w.job = j.id where j.id = $1 and j.state = 'scheduled'`,
        [id],
      );
      const undone = await context.open(await context.connection());
      assert.deepEqual(
        await accepted(context.verbs.emit(undone.tx, moved(order.id), { total: 1 }), "emit"),
        { emitted: true },
        "the answer of an emit that is rolled back",
      );
      await undone.rollback();
      const open = await context.open(await context.connection());
      const answers = [
        await context.verbs.emit(open.tx, moved(order.id), { total: 2 }),
        await context.verbs.emit(open.tx, moved(order.id), { total: 3 }),
      ];
      assert.deepEqual(answers, [{ emitted: true }, { emitted: false }], "the answers of two emits");
      await open.commit();
      await ended(context, id, "completed");
      assert.deepEqual(await resultOf(context, id), { total: 2 }, "the payload that the job has got");
    },
  },
];

/** What a step writes in its ORM's transaction, and the record of the step, are one commit; and events are a commit's. */
export const steps: Suite = { name: "steps", cases: () => cases };

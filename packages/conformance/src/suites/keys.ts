import assert from "node:assert/strict";
import type { EnqueueOptions } from "@pillion/core";
import type { AnyJob, Context } from "../context.ts";
import { accepted } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { committed, key } from "./committed-key.ts";
import { replacedPayloads } from "./replaced-payloads.ts";

async function assertJobs(context: Context, type: AnyJob, ids: readonly string[]): Promise<void> {
  const jobs = await context.reader.jobs(type.name);
  assert.deepEqual(
    jobs.map((job) => job.id),
    ids,
    "ids of the jobs that exist",
  );
}

/** What must be true of the holder for a second enqueue to be answered with it, or to make a job of its own. */
const holders: { holder: string; options: EnqueueOptions; change?: string; absorbs: boolean }[] = [
  { holder: "a waiting job", options: key, absorbs: true },
  { holder: "a scheduled job", options: { ...key, delayMs: 3_600_000 }, absorbs: true },
  {
    holder: "a job that has started",
    options: key,
    change: "update job set state = 'running', attempt = 1, started_at = now()",
    absorbs: false,
  },
  {
    holder: "a job that waits for its second attempt",
    options: key,
    change: "update job set attempt = 1",
    absorbs: false,
  },
  { holder: "a job that has ended", options: key, change: "delete from job", absorbs: false },
  {
    holder: "a running job that has the key until it is finished",
    options: { ...key, uniqueUntil: "finished" },
    change: "update job set state = 'running', attempt = 1, started_at = now()",
    absorbs: true,
  },
  {
    holder: "an ended job that had the key until it was finished",
    options: { ...key, uniqueUntil: "finished" },
    change: "delete from job",
    absorbs: false,
  },
  {
    holder: "an ended job that has the key for an hour",
    options: { ...key, uniqueUntil: { periodMs: 3_600_000 } },
    change: "delete from job",
    absorbs: true,
  },
];

const absorption = holders.map(
  ({ holder, options, change, absorbs }): Case => ({
    name: absorbs
      ? `${holder} answers for its key, and no second job is made`
      : `${holder} leaves its key to a new job`,
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type, options);
      assert.equal(first.created, true, "a key that nobody holds kept a job out");
      if (change !== undefined)
        await context.reader.query(`${change.replace("job", `${context.place.jobs}.job`)} where id = $1`, [
          first.id,
        ]);
      const before = await context.reader.jobs(type.name);
      const order = context.order();
      const connection = await context.connection();
      const second = await connection.transaction(async (tx) => {
        const answer = await context.verbs.enqueue(tx, type(null, options));
        await accepted(context.harness.insertOrder(tx, order), "a duplicate key spoilt the transaction");
        return answer;
      });
      assert.equal(second.created, !absorbs, "created");
      assert.equal(second.id === first.id, absorbs, "the answer names the holder");
      const ids = before.map((job) => job.id);
      await assertJobs(context, type, absorbs ? ids : [...ids, second.id]);
      assert.ok(await context.reader.hasOrder(order.id), "the order beside a duplicate key is missing");
    },
  }),
);

const leaning = (["enqueue", "enqueueMany"] as const).map(
  (verb): Case => ({
    name: `a claim skips the job that a duplicate of ${verb} leans on until COMMIT, and finds it once after`,
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type);
      assert.deepEqual(
        await context.reader.claimable(type.name),
        [first.id],
        "claimable before the duplicate",
      );
      const open = await context.open(await context.connection());
      const duplicate = type(null, key);
      const second =
        verb === "enqueue"
          ? await context.verbs.enqueue(open.tx, duplicate)
          : (await context.verbs.enqueueMany(open.tx, [type(1), duplicate]))[1]!;
      assert.deepEqual([second.id, second.created], [first.id, false], "id and created");
      assert.deepEqual(
        await context.reader.claimable(type.name),
        [],
        "claimable while the duplicate is open",
      );
      await open.commit();
      assert.ok((await context.reader.claimable(type.name)).includes(first.id), "not claimable after COMMIT");
    },
  }),
);

const cases: Case[] = [
  {
    name: "a period that is over leaves its key to a new job",
    async run(context) {
      const type = context.jobType();
      const options = { ...key, uniqueUntil: { periodMs: 1 } } as const;
      const first = await committed(context, type, options);
      await context.reader.query(`delete from ${context.place.jobs}.job where id = $1`, [first.id]);
      await context.reader.until(
        "the period is over",
        `select from ${context.place.jobs}.unique_key where job = $1 and expires_at < clock_timestamp()`,
        [first.id],
      );
      const second = await committed(context, type, options);
      assert.equal(second.created, true, "created");
      await assertJobs(context, type, [second.id]);
    },
  },
  {
    name: "a key belongs to the name of its job",
    async run(context) {
      const [one, other] = [context.jobType(), context.jobType()];
      const answers = [await committed(context, one), await committed(context, other)];
      assert.deepEqual(
        answers.map((answer) => answer.created),
        [true, true],
        "created",
      );
    },
  },
  {
    name: "the longest key, in any script, is a key like any other",
    async run(context) {
      const type = context.jobType();
      const options = { uniqueKey: "𝄞".repeat(128) };
      const first = await committed(context, type, options);
      const second = await committed(context, type, options);
      assert.deepEqual([second.id, second.created], [first.id, false], "id and created");
      assert.equal(
        (await context.reader.jobs(type.name))[0]!.unique_key,
        options.uniqueKey,
        "the stored key",
      );
    },
  },
  {
    name: "the same key twice in one batch makes one job, which answers for both",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const answers = await connection.transaction((tx) =>
        context.verbs.enqueueMany(tx, [type(1), type(2, key), type(3), type(4, key), type(5, key)]),
      );
      assert.deepEqual(
        answers.map((answer) => answer.created),
        [true, true, true, false, false],
        "created",
      );
      const [, holder, , ...repeats] = answers.map((answer) => answer.id);
      assert.deepEqual(repeats, [holder, holder], "ids of the repeated key");
      assert.equal((await context.reader.jobs(type.name)).length, 3, "jobs that exist");
    },
  },
  {
    name: "a duplicate that rolls back leaves the job as it was",
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type);
      const before = await context.reader.jobs(type.name);
      const open = await context.open(await context.connection());
      await context.verbs.enqueue(open.tx, type(null, key));
      await open.rollback();
      assert.deepEqual(await context.reader.jobs(type.name), before, "the job after a rolled-back duplicate");
      assert.deepEqual(await context.reader.claimable(type.name), [first.id], "claimable");
    },
  },
];

/** A duplicate key is an answer: `created: false` and the id of a job that will still run after this COMMIT. */
export const keys: Suite = {
  name: "keys",
  cases: () => [...absorption, ...leaning, ...cases, ...replacedPayloads],
};

import assert from "node:assert/strict";
import type { Enqueued, Job } from "@pillion/core";
import type { AnyJob, Context } from "../context.ts";
import { refusal } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { silently } from "./refusals.ts";

async function enqueueMany(context: Context, jobs: Iterable<Job> | AsyncIterable<Job>): Promise<Enqueued[]> {
  const connection = await context.connection();
  return connection.transaction((tx) => context.verbs.enqueueMany(tx, jobs));
}

/** Asserts that the answer at each place names the job with the payload of that place. */
async function assertInOrder(context: Context, type: AnyJob, answers: readonly Enqueued[], count: number) {
  const stored = new Map((await context.reader.jobs(type.name)).map((job) => [job.id, job.payload]));
  assert.equal(stored.size, count, "jobs that exist");
  assert.deepEqual(
    answers.map((answer) => stored.get(answer.id)),
    Array.from({ length: count }, (_, index) => String(index)),
    "payloads of the jobs that the answers name, in their order",
  );
}

function* numbered(type: AnyJob, count: number): Generator<Job> {
  for (let index = 0; index < count; index++)
    yield type(index, { queue: `q${index % 3}`, priority: (index % 5) - 2, delayMs: (index % 4) * 1e6 });
}

const cases: Case[] = [
  {
    name: "an array gets one answer for each job, in its order",
    async run(context) {
      const type = context.jobType();
      await assertInOrder(context, type, await enqueueMany(context, [...numbered(type, 60)]), 60);
    },
  },
  {
    name: "a generator gets one answer for each job, in its order",
    async run(context) {
      const type = context.jobType();
      await assertInOrder(context, type, await enqueueMany(context, numbered(type, 10)), 10);
    },
  },
  {
    name: "an async generator gets one answer for each job, in its order",
    async run(context) {
      const type = context.jobType();
      async function* jobs() {
        for (const job of numbered(type, 10)) yield await Promise.resolve(job);
      }
      await assertInOrder(context, type, await enqueueMany(context, jobs()), 10);
    },
  },
  {
    name: "jobs with keys get one answer each, in their order, between jobs without",
    async run(context) {
      const type = context.jobType();
      const jobs = Array.from({ length: 40 }, (_, index) =>
        type(index, index % 2 === 0 ? {} : { uniqueKey: `key ${99 - index}` }),
      );
      await assertInOrder(context, type, await enqueueMany(context, jobs), 40);
    },
  },
  {
    name: "of 1,000 jobs the 300 whose key is held are answered with the holder, and 700 are made",
    async run(context) {
      const type = context.jobType();
      const held = Array.from({ length: 300 }, (_, index) => type("held", { uniqueKey: `key ${index}` }));
      const holders = await enqueueMany(context, held);
      const jobs = Array.from({ length: 1_000 }, (_, index) =>
        type("new", {
          uniqueKey: index % 10 < 3 ? `key ${Math.floor(index / 10) * 3 + (index % 10)}` : `new ${index}`,
        }),
      );
      const answers = await enqueueMany(context, jobs);
      const stored = new Map((await context.reader.jobs(type.name)).map((job) => [job.id, job]));
      assert.equal(stored.size, 1_000, "jobs that exist");
      assert.equal(answers.filter((answer) => answer.created).length, 700, "answers with created: true");
      jobs.forEach((job, index) => {
        const answer = answers[index]!;
        assert.equal(stored.get(answer.id)?.unique_key, job.options.uniqueKey, `the key of answer ${index}`);
        assert.equal(
          answer.created,
          !holders.some((holder) => holder.id === answer.id),
          `created of answer ${index}`,
        );
      });
    },
  },
  {
    name: "5,001 jobs are all made, in two statements, and answered in their order",
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      const before = wire.traffic().statements;
      const jobs = Array.from({ length: 5_001 }, (_, index) => type(index));
      const answers = await context.verbs.enqueueMany(open.tx, jobs);
      assert.equal(wire.traffic().statements - before, 2, "statements");
      await open.commit();
      await assertInOrder(context, type, answers, 5_001);
    },
  },
  {
    name: "jobs of more than 8 MiB together are sent in two statements, and answered in their order",
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      const before = wire.traffic().statements;
      const jobs = Array.from({ length: 10 }, (_, index) => type(`${index}${"x".repeat(1_000_000)}`));
      const answers = await context.verbs.enqueueMany(open.tx, jobs);
      assert.equal(wire.traffic().statements - before, 2, "statements");
      await open.commit();
      const stored = await context.reader.jobs(type.name);
      assert.deepEqual(
        answers.map(({ id }) => stored.find((job) => job.id === id)?.payload.slice(0, 3)),
        jobs.map((_, index) => `"${index}x`),
        "the jobs that the answers name, in their order",
      );
    },
  },
  {
    name: "no jobs are answered with [], and nothing is sent",
    async run(context) {
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      await silently(wire, "an empty batch", async () => {
        assert.deepEqual(await context.verbs.enqueueMany(open.tx, []), [], "the answer to an empty array");
        assert.deepEqual(
          await context.verbs.enqueueMany(open.tx, new Set<Job>()),
          [],
          "the answer to an empty set",
        );
      });
      await open.commit();
    },
  },
  {
    name: "what is no list of jobs is refused, and nothing is sent",
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      await silently(wire, "a refused batch", async () => {
        for (const wrong of [undefined, null, 3, type, type(null), Promise.resolve([type(null)])])
          await refusal(
            context.verbs.enqueueMany(open.tx, wrong as never),
            "INVALID_JOB",
            `enqueueMany accepted ${String(wrong)}`,
          );
      });
      await open.commit();
      assert.equal((await context.reader.jobs(type.name)).length, 0, "jobs that exist");
    },
  },
];

/** A batch is one statement for thousands of jobs, with one answer for each in their order. */
export const batches: Suite = { name: "batches", cases: () => cases };

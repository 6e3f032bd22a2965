import { type Database, defineJob, type } from "@pillion/core";
import { createClaimer, handle } from "@pillion/core/worker";
import type pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

const noop = defineJob({ name: "noop", payload: type<null>() });

test("a worker that polls alone, and has had nothing to do for a while, sends its beat and nothing else; the beat finds the next job", async () => {
  const { queue, work } = await workshop();
  const sent: string[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      sent.push(text);
      return (await queue.pool.query(text, [...values])).rows;
    },
  };
  await work([handle(noop, () => {})], { database, listen: false, pollMs: 20 });
  const idle = () =>
    until(() => sent.length > 50 && sent.slice(-50).every((text) => text.includes(".tick(")));
  await idle();
  await queue.reaches(await queue.add("noop"), "completed");
  await queue.reaches(await queue.add("noop", null, { partitionKey: "k" }), "completed");
  await idle();
});

/** A pool that notes when claims were sent. */
function noting(pool: pg.Pool) {
  const claims: number[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      if (text.includes(".step(")) claims.push(performance.now());
      return (await pool.query(text, [...values])).rows;
    },
  };
  return { claims, database };
}

test.each(["is locked", "has no slot"])(
  "what is ready and %s is looked at less and less often, where another one sleeps",
  async (why) => {
    const { queue, work } = await workshop();
    const { claims, database } = noting(queue.pool);
    const client = await queue.pool.connect();
    onTestFinished(() => client.release());
    const id = await queue.add("noop");
    if (why === "is locked")
      await client.query(`begin; select from ${queue.schema}.job where id = ${id} for update`);
    else {
      await queue.admin.setQueue("default", { concurrency: 1 });
      await queue.add("noop");
      const claimer = createClaimer({ database: queue.url, schema: queue.schema, jobTypes: [noop] });
      onTestFinished(() => claimer.stop());
      expect(await claimer.claim()).toHaveLength(1);
    }
    await client.query(
      `select pg_advisory_lock('${queue.schema}.job'::regclass::oid::int4, hashtext('default'))`,
    );
    await work([handle(noop, () => {})], { database, listen: queue.url, pollMs: 3_600_000 });
    await until(() => claims.length > 16);
    expect(claims.at(-1)! - claims.at(-9)!).toBeGreaterThan(500);
    await client.query("rollback; select pg_advisory_unlock_all()");
  },
);

test("nor do a worker's queues wake each other for what is locked, while somebody is enqueuing in all of them", async () => {
  const { queue, work } = await workshop();
  const { claims, database } = noting(queue.pool);
  const client = await queue.pool.connect();
  onTestFinished(() => client.release());
  const id = await queue.add("noop");
  await client.query(`begin; select from ${queue.schema}.job where id = ${id} for update`);
  await client.query(
    `select pg_current_xact_id(), ${queue.schema}.enqueue_one(q, 'noop', 'null', null) from unnest('{default,mail}'::text[]) q`,
  );
  await work([handle(noop, () => {})], {
    database,
    listen: queue.url,
    pollMs: 3_600_000,
    queues: ["default", { name: "mail", concurrency: 5 }],
  });
  // Both look at growing gaps, up to 80 ms: not a moment at which nothing ran at all.
  await until(() => {
    const gaps = claims.slice(-16).map((at, index) => at - claims.slice(-17)[index]!);
    return claims.length > 40 && claims.at(-1)! - claims.at(-17)! > 500 && Math.max(...gaps) < 200;
  });
  await client.query("rollback");
});

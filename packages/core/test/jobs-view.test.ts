import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { until } from "./worker/queue.ts";
import { workshop } from "./worker/workers.ts";

const named = (name: string) =>
  defineJob({
    name,
    payload: type<unknown>(),
    maxAttempts: 2,
    backoff: { type: "fixed", delayMs: 3_600_000 },
  });

test("pillion.jobs has the columns that its page promises, in their order, and no fewer", async () => {
  const { queue } = await workshop();
  const columns = await queue.query(
    `select attname || ' ' || format_type(atttypid, atttypmod) as column from pg_attribute
     where attrelid = 'pillion.jobs'::regclass order by attnum`,
  );
  const jobState = `${queue.schema}.job_state`;
  expect(columns.map(({ column }) => (column as unknown as string).replaceAll('"', ""))).toEqual([
    "id bigint",
    "name text",
    "version integer",
    "queue text",
    `state ${jobState}`,
    "payload jsonb",
    "headers jsonb",
    "unique_key text",
    "partition_key text",
    "parent_id bigint",
    "priority smallint",
    "enqueued_at timestamp with time zone",
    "run_at timestamp with time zone",
    "started_at timestamp with time zone",
    "finished_at timestamp with time zone",
    "attempt integer",
    "max_attempts integer",
    "error text",
    "result jsonb",
  ]);
});

test("pillion.jobs has one row for each job, in every state and wherever it lives, and it is what admin.job tells", async () => {
  const { queue, work } = await workshop();
  const ids: Record<string, string> = {};
  for (const [what, name, options] of [
    ["packed", "slow", {}],
    ["packed too", "slow", {}],
    ["with a key", "slow", { uniqueKey: "k" }],
    ["completed", "fine", { headers: { tenant: "7" }, partitionKey: "p" }],
    ["dead", "broken", { maxAttempts: 1 }],
    ["to be tried again", "broken", { maxAttempts: 2 }],
    ["scheduled", "fine", { delayMs: 86_400_000 }],
    ["ready", "nobody", { priority: 3 }],
    ["cancelled", "nobody", {}],
  ] as const)
    ids[what] = await queue.add(name, { of: what }, options);
  await queue.admin.cancel(ids.cancelled!);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await work([
    handle(named("slow"), () => held),
    handle(named("fine"), () => ({ pdf: "x.pdf" })),
    handle(named("broken"), () => {
      throw new RangeError("no paper");
    }),
  ]);
  await queue.reaches(ids.completed!, "completed");
  await queue.reaches(ids.dead!, "dead");
  await until(async () => (await queue.admin.job(ids["to be tried again"]!))!.attempts.length === 1);
  await until(
    async () => (await queue.query("select from pillion.jobs where state = 'running'")).length === 3,
  );
  expect(await queue.query("select from pillion.batch")).not.toEqual([]);

  const rows = await queue.query("select * from pillion.jobs order by id");
  expect(
    rows.map(({ payload, state, error }) => [(payload as unknown as { of: string }).of, state, error]),
  ).toEqual([
    ["packed", "running", null],
    ["packed too", "running", null],
    ["with a key", "running", null],
    ["completed", "completed", null],
    ["dead", "dead", "no paper"],
    ["to be tried again", "scheduled", "no paper"],
    ["scheduled", "scheduled", null],
    ["ready", "ready", null],
    ["cancelled", "cancelled", null],
  ]);
  for (const row of rows) {
    const record = (await queue.admin.job(row.id!))!;
    expect(row).toMatchObject({
      name: record.name,
      version: record.version,
      queue: record.queue,
      state: record.state,
      payload: record.payload,
      headers: record.headers,
      unique_key: record.uniqueKey,
      partition_key: record.partitionKey,
      parent_id: record.parent,
      priority: record.priority,
      enqueued_at: record.createdAt,
      run_at: record.runAt,
      finished_at: record.finishedAt,
      attempt: record.attempt,
      max_attempts: record.maxAttempts,
      result: record.result,
    });
    // While it waits none runs, and the last has ended.
    const waits = ["ready", "scheduled"].includes(record.state);
    expect(row.started_at).toEqual((!waits && record.attempts.at(-1)?.startedAt) || null);
  }
  release();
});

test("a reader may join pillion.jobs with rows of its own", async () => {
  const { queue } = await workshop();
  const id = await queue.add("nobody");
  const reader = `${queue.schema}_reader`;
  const client = await queue.pool.connect();
  try {
    await client.query(
      `begin; create role "${reader}"; select "${queue.schema}".allow('${reader}', 'reader'); set local role "${reader}"`,
    );
    const { rows } = await client.query(
      `select o.job_id, j.state from (values ($1::bigint)) o(job_id) join "${queue.schema}".jobs j on j.id = o.job_id`,
      [id],
    );
    expect(rows).toEqual([{ job_id: id, state: "ready" }]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClaimedJob } from "../../src/postgres/claimed-job.ts";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { type ClaimInput, readStep } from "../../src/postgres/step.ts";
import { type TestQueue, testQueue } from "./queue.ts";

let queue: TestQueue;
beforeEach(async () => {
  queue = await testQueue();
});
afterEach(() => queue.drop());

/** A worker of two versions of one job, and of one of another. */
const types = [
  { name: "letter", version: 1 },
  { name: "letter", version: 3 },
  { name: "parcel", version: 2 },
];
const queues = ["default", "paused", "limited", "other"];
const lanes = [4, 0, -4].flatMap((priority) => queues.map((queue) => ({ queue, priority, bound: 0 })));

/** What is ready, not yet due, of names and versions that nobody handles, with keys, and where nothing may be taken. */
async function fill(): Promise<void> {
  await queue.query(`
    insert into pillion.queue (name, paused_at) values ('paused', now());
    insert into pillion.queue (name, concurrency) values ('limited', 1);
    select setseed(0.5);
    insert into pillion.job (queue, name, version, priority, state, run_at, unique_key, partition_key, payload)
    select (array['default', 'paused', 'limited', 'other'])[1 + random() * 3], (array['letter', 'parcel', 'unknown'])[1 + random() * 2],
      1 + (random() * 2)::int, (array[4, 0, -4])[1 + random() * 2], case when i % 7 = 0 then 'scheduled' else 'ready' end::pillion.job_state,
      now(), case when i % 5 = 0 then 'key ' || i end, case when i % 6 = 0 then 'tenant' end, to_jsonb(i)
    from generate_series(1, 1000) i`);
}

async function claim(client: TestQueue["pool"], input: ClaimInput): Promise<readonly ClaimedJob[]> {
  const { text, values } = postgresEngine(queue.schema).claim(input);
  return readStep((await client.query({ text, values: [...values] })).rows, input).jobs;
}

const inLanes = (jobs: readonly ClaimedJob[]) => {
  const lane = (job: ClaimedJob) =>
    lanes.findIndex(({ queue, priority }) => queue === job.queue && priority === job.priority);
  return jobs.toSorted((a, b) => lane(a) - lane(b) || a.position - b.position);
};

const told = ({ place, prefetched, ...job }: ClaimedJob) => job;

test("claims of one, one after the other, take what a claim of many takes, in its order, and then nothing", async () => {
  await fill();
  const input = { worker: "1", lanes, types, free: 1_000 };
  await queue.query("create table before as select * from pillion.job");
  const many = inLanes(await claim(queue.pool, { ...input, most: 1_000 }));
  expect(many.length).toBeGreaterThan(50);
  await queue.query("truncate pillion.job, pillion.batch");
  await queue.query("insert into pillion.job overriding system value select * from before");

  const ones: ClaimedJob[] = [];
  for (;;) {
    const taken = await claim(queue.pool, { ...input, most: 1 });
    if (taken.length === 0) break;
    expect(taken).toHaveLength(1);
    ones.push(...taken);
  }
  expect(ones.map(told)).toEqual(many.map(told));
});

test("a claim of one begins at the bound of its lane", async () => {
  const first = await queue.add("letter");
  const second = await queue.add("letter");
  const [row] = await queue.query("select position::text from pillion.job where id = $1", [second]);
  const from = (bound: number) => ({
    worker: "1",
    lanes: [{ queue: "default", priority: 0, bound }],
    types,
    most: 1,
    free: 1,
  });
  expect((await claim(queue.pool, from(Number(row!.position)))).map(({ id }) => id)).toEqual([second]);
  expect((await claim(queue.pool, from(0))).map(({ id }) => id)).toEqual([first]);
});

test("a job of a claim of one keeps a row of its own where a handler of the worker completes it in a transaction", async () => {
  await queue.add("letter");
  await claim(queue.pool, {
    worker: "1",
    lanes,
    types: types.map((type) => ({ ...type, apart: type.version === 1 })),
    most: 1,
    free: 1,
  });
  expect(await queue.query("select state, name from pillion.job")).toEqual([
    { state: "running", name: "letter" },
  ]);
});

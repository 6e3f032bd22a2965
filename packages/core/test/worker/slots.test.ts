import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createClaimer } from "@pillion/core/worker";
import { startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { type ClaimByKeyAnswer, readClaimByKey, type Slots } from "../../src/postgres/claim-by-key.ts";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { testQueue } from "./queue.ts";

const types = [{ name: "plain", version: 1 }];
const lanes = [{ queue: "default", priority: 0, bound: 0 }];

/** Claims one job of the queue `default`, as a worker with this memory of its slots. */
async function claimOne(
  pool: pg.Pool,
  worker: string,
  slots: Slots | undefined,
  schema = "pillion",
): Promise<ClaimByKeyAnswer> {
  const input = {
    worker,
    queue: "default",
    after: "",
    types,
    most: 1,
    slots,
    lanes,
    lines: undefined,
  };
  const { text, values } = postgresEngine(schema).claimByKey(input);
  return readClaimByKey((await pool.query({ text, values: [...values] })).rows, input);
}

const register = `insert into pillion.worker (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
  values ('w', '{default}', '{plain}', 1, 60000, now(), now()) returning id::text`;

test("after a crash of the server, which may draw the same numbers again, a claim counts all slots, whatever it remembers", async () => {
  const server = await startPostgres({ durable: false });
  onTestFinished(() => server.stop());
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  await migrate({ database: pool });
  await createAdmin({ database: pool }).setQueue("default", { concurrency: 3 });
  await pool.query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 9) i");
  const worker = (await pool.query(register)).rows[0].id;

  let slots: Slots | undefined;
  const claimed: string[] = [];
  for (let claim = 0; claim < 3; claim++) {
    const answer: ClaimByKeyAnswer = await claimOne(pool, worker, slots);
    claimed.push(...answer.jobs.map(({ id }) => id));
    slots = answer.slots ?? slots;
  }
  expect(claimed).toHaveLength(3);
  expect((await claimOne(pool, worker, slots)).jobs).toEqual([]);
  // Those that come after the last one count from there on: of this run of the server nothing lies below.
  const last = { ...slots!, from: slots!.from + 100 };

  // What has been claimed is on disk.
  await pool.query("insert into pillion.queue (name) values ('other')");
  await server.restart("immediate");
  expect((await claimOne(pool, worker, last)).jobs).toEqual([]);
  expect((await claimOne(pool, worker, last)).slots).toMatchObject({ from: slots!.from });
});

test("in strict order a job that waits for its next attempt keeps its slot of the queue and of its key", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  await queue.admin.setQueue("default", { fifo: true, concurrency: 2 });
  for (const partitionKey of ["a", "b", "a", "c"]) await queue.add("plain", null, { partitionKey });
  const worker = (await queue.query(register))[0]!.id!;
  const take = async (slots?: Slots) => claimOne(queue.pool, worker, slots, queue.schema);
  const first = await take();
  expect(first.jobs.map(({ more }) => more!.partitionKey)).toEqual(["a"]);
  await queue.pool.query({
    ...sent(queue.schema, first),
  });
  // "a" waits with its slot, so that one is left, and not for it.
  const second = await take();
  expect(second.jobs.map(({ more }) => more!.partitionKey)).toEqual(["b"]);
  expect((await take(second.slots)).jobs).toEqual([]);
});

function sent(schema: string, { claim, jobs: [job] }: ClaimByKeyAnswer) {
  const error = { name: "Error", message: "later" };
  const { text, values } = postgresEngine(schema).retry({
    settlements: [{ id: job!.id, claim: claim!, delayMs: 60_000, error }],
  });
  return { text, values: [...values] };
}

test("a job of a limited queue that is handed back stands at the end of its lane, where claims still look; one with a key keeps its place", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  await queue.admin.setQueue("default", { concurrency: 5 });
  const keyless = await queue.add("plain", null);
  const keyed = await queue.add("plain", null, { partitionKey: "k" });
  await queue.add("plain", null);
  const places = async () =>
    (await queue.query("select id::text from pillion.job order by position")).map(({ id }) => id);
  const before = await places();
  const claimer = createClaimer({
    database: queue.url,
    schema: queue.schema,
    jobTypes: [defineJob({ name: "plain", payload: type<null>() })],
  });
  onTestFinished(() => claimer.stop());
  const held = [];
  while (held.length < 3) held.push(...(await claimer.claim({ limit: 3 })));
  for (const job of held) if (job.id === keyless || job.id === keyed) await claimer.release(job);
  expect(await places()).toEqual([...before.filter((id) => id !== keyless), keyless]);
});

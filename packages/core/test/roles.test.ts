import { defineJob, defineTopic, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { testingOf } from "@pillion/core/testing";
import { createWorker, handle, schedule } from "@pillion/core/worker";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forms } from "./every-form.ts";
import { type OwnQueue, ownQueue } from "./own-queue.ts";
import { withSavepoints } from "./testing/with-savepoints.ts";
import { urlWith } from "./url-with.ts";

const kinds = ["enqueuer", "worker", "operator", "reader", "tester", "nobody"] as const;
type Kind = (typeof kinds)[number];

let queue: OwnQueue;
let pools: Record<Kind, pg.Pool>;
const urlOf = (kind: Kind) =>
  urlWith({}, { name: `${queue.schema}_${kind}`, password: "only-for-these-tests" });
beforeAll(async () => {
  queue = await ownQueue("roles");
  for (const kind of kinds) {
    await queue.query(`create role ${queue.schema}_${kind} login password 'only-for-these-tests'`);
    if (kind !== "nobody")
      await queue.query("select pillion.allow($1, $2)", [`${queue.schema}_${kind}`, kind]);
  }
  pools = Object.fromEntries(
    kinds.map((kind) => [kind, new pg.Pool({ connectionString: urlOf(kind) })]),
  ) as typeof pools;
});
afterAll(async () => {
  for (const kind of kinds) {
    await pools[kind].end();
    await queue.query(`drop owned by ${queue.schema}_${kind}; drop role ${queue.schema}_${kind}`);
  }
  await queue.drop();
});

const denied = { code: "42501" };
const echo = defineJob({ name: "echo", payload: type<number>() });
const as = (kind: Kind, text: string) => queue.query(text, [], pools[kind] as never);

/** Runs `fn` in a transaction of the role, and commits. */
async function inTransaction<T>(kind: Kind, fn: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  const tx = await pools[kind].connect();
  try {
    await tx.query("begin");
    const result = await fn(tx);
    await tx.query("commit");
    return result;
  } finally {
    await tx.query("rollback");
    tx.release();
  }
}

const ways = ["one", "scheduled", "batch", "keyed", "keyed batch"] as const;

test.each(ways)("an enqueuer enqueues, and the guard holds: %s", async (form) => {
  await inTransaction<unknown>("enqueuer", (tx) => forms[form](queue, tx, `as.enqueuer.${form}`));
  expect(await queue.names()).toContain(`as.enqueuer.${form}`);
  const client = await pools.enqueuer.connect();
  await expect(forms[form](queue, client, `late.${form}`)).rejects.toMatchObject({
    code: "25P01",
  });
  client.release();
});

test("an enqueuer enqueues by itself, in SQL, and gets a duplicate for an answer", async () => {
  await queue.verbs.enqueueStandalone(pools.enqueuer, echo(1, { uniqueKey: "k" }));
  expect(await queue.verbs.enqueueStandalone(pools.enqueuer, echo(1, { uniqueKey: "k" }))).toMatchObject({
    created: false,
  });
  expect(
    await as("enqueuer", `select created from pillion.enqueue('echo', '1', '{"uniqueKey": "k"}')`),
  ).toEqual([{ created: false }]);
});

const reading = [
  "select * from pillion.job",
  "select payload from pillion.job",
  "select headers from pillion.job",
  "select * from pillion.archive",
  "select * from pillion.attempts",
  "select * from pillion.unique_key",
  "select * from pillion.worker",
  "select * from pillion.subscription",
  "select * from pillion.schedule",
];
const writing = [
  "update pillion.job set priority = 4",
  "delete from pillion.job",
  "insert into pillion.job (name, payload, attempt) values ('x', '1', 0)",
  "insert into pillion.archive select * from pillion.archive",
  "delete from pillion.archive",
  "update pillion.unique_key set job = 1",
  "insert into pillion.guard (guard, name, queue) values (now(), 'x', 'x')",
  "delete from pillion.subscription",
  "insert into pillion.schedule (name, every_ms, job_name, payload) values ('x', 100, 'x', '1')",
  "update pillion.schedule set paused_at = now()",
  "delete from pillion.schedule",
  "truncate pillion.job",
  "drop table pillion.job",
  "create table pillion.mine (id integer)",
  "insert into pillion.migration values (99, 'x')",
  "select pillion.allow(current_user, 'worker')",
];
const changing = [
  'select pillion.cancel(\'{"queue": "mail"}\')',
  'select pillion.retry(\'{"queue": "mail"}\')',
  'select pillion.reschedule(\'{"queue": "mail"}\', now(), null)',
];
const settingQueues = [
  "select pillion.pause('mail')",
  "select pillion.resume('mail')",
  "insert into pillion.queue (name) values ('mail')",
  "insert into pillion.subscription values ('topic', 'name', 1, 'queue', 0, 1)",
];
const enqueueing = [
  "select pillion.publish('x', '1')",
  "select pillion.enqueue('x', '1')",
  "select pillion.enqueue_keyed('[]', false)",
  "insert into pillion.job (name, payload) values ('x', '1')",
];

const testing = [
  "select pillion.enqueued_here()",
  "select pillion.start_here('{}', '{}')",
  "select pillion.end_here(1, 1, 'completed', 0, null)",
];
const stepping = [
  "select pillion.checkpoint(1, 1, 1, 'x', null, 0)",
  "select pillion.checkpoints('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
  "select pillion.begin_wait(1, 1, 1, 'sleep', 'x', 0, null, null, null, null)",
  "select pillion.read_steps(1, 1)",
];
const inside = [
  "select pillion.wake('default')",
  "select pillion.guard_verb('x', false)",
  "select pillion.meet_here(now())",
  ...testing,
  ...stepping,
];
const looking = ["select pillion.find_jobs('{}', '{}', 1)"];

test.each([...reading, ...writing, ...settingQueues, ...inside, ...looking])(
  "an enqueuer can do nothing else: %s",
  async (statement) => {
    await expect(as("enqueuer", statement)).rejects.toMatchObject(denied);
  },
);

test.each([...writing, ...enqueueing, ...changing, ...settingQueues, ...inside])(
  "a reader writes nothing: %s",
  async (statement) => {
    await expect(as("reader", statement)).rejects.toMatchObject(denied);
  },
);

test.each(reading)("a reader reads: %s", async (statement) => {
  await as("reader", statement);
});

test.each([...reading, ...writing, ...enqueueing, ...changing, ...settingQueues])(
  "a role that was allowed nothing can do nothing: %s",
  async (statement) => {
    await expect(as("nobody", statement)).rejects.toMatchObject(denied);
  },
);

test.each([...reading, ...writing, ...enqueueing, ...changing, ...settingQueues])(
  "a tester does nothing else: %s",
  async (statement) => {
    await expect(as("tester", statement)).rejects.toMatchObject(denied);
  },
);

test("an enqueuer that is a tester too runs what its transaction has enqueued, with no worker's rights", async () => {
  const role = `${queue.schema}_tester`;
  await queue.query("select pillion.allow($1, 'enqueuer')", [role]);
  const tx = await pools.tester.connect();
  try {
    await tx.query("begin");
    const { expectEnqueued, runEnqueued } = testingOf(withSavepoints("pg", queue.schema));
    const failing = defineJob({ name: "failing", payload: type<number>(), maxAttempts: 1 });
    const stepped = defineJob({ name: "stepped", payload: type<null>() });
    await queue.verbs.enqueueMany(tx, [
      echo(1),
      echo(2, { delayMs: 60_000 }),
      failing(3),
      failing(4, { maxAttempts: 2 }),
      stepped(null, { priority: 1 }),
    ]);
    const handlers = [
      handle(echo, () => {}),
      handle(stepped, async (job) => {
        await job.step("one", () => 1);
        await job.run(echo(5));
      }),
      handle(failing, () => {
        throw new Error("no");
      }),
    ];
    await expect(runEnqueued(tx, handlers)).rejects.toMatchObject({
      ran: [
        { name: "stepped", state: "scheduled" },
        { name: "echo" },
        { name: "echo" },
        { name: "stepped", state: "completed" },
      ],
      failed: [{ state: "dead" }, { state: "scheduled" }],
    });
    expect(await expectEnqueued(tx, echo)).toMatchObject([{ payload: 2, state: "scheduled" }]);
  } finally {
    await tx.query("rollback");
    tx.release();
  }
});

test("a worker runs jobs to every end: completed, retried, dead, handed back, promoted", async () => {
  const [fail, wait] = [
    defineJob({ name: "fail", payload: type<number>() }),
    defineJob({ name: "wait", payload: type<null>() }),
  ];
  const { verbs } = queue;
  const ids = await inTransaction("enqueuer", (tx) =>
    verbs.enqueueMany(tx, [
      echo(1),
      fail(1, { maxAttempts: 1 }),
      fail(2, { maxAttempts: 2 }),
      echo(2, { delayMs: 1 }),
      echo(3, { uniqueKey: "once" }),
      wait(null),
    ]),
  );
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const worker = createWorker({
    database: urlOf("worker"),
    schema: queue.schema,
    pollMs: 20,
    logger: { info: log, warn: log, error: log },
    handlers: [
      handle(echo, ({ payload }) => payload),
      handle(fail, () => {
        throw new Error("no");
      }),
      handle(wait, () => new Promise<void>(() => {})),
    ],
  });
  await worker.start();
  const admin = createAdmin({ database: pools.reader, schema: queue.schema });
  const states = async () => Promise.all(ids.map(async ({ id }) => (await admin.job(id))!.state));
  const reached = ["completed", "dead", "scheduled", "completed", "completed", "running"];
  while (JSON.stringify(await states()) !== JSON.stringify(reached))
    await new Promise((resolve) => setTimeout(resolve, 10));
  await worker.stop({ graceMs: 0 });
  expect(await states()).toEqual(reached.with(5, "ready"));
  expect(logged.filter((message) => /denied|could not/.test(message))).toEqual([]);
  await admin.close();
});

test("a worker stores schedules and fires them; it and an operator change them at run time, and a reader looks at them", async () => {
  const worker = createWorker({
    database: urlOf("worker"),
    schema: queue.schema,
    logger: false,
    handlers: [handle(echo, () => {})],
    schedules: [schedule({ name: "yearly", cron: "@yearly", job: echo(1) })],
  });
  await worker.runOnce();
  await queue.query("update pillion.schedule set passed = passed - interval '2 years', due_at = null");
  const before = (await queue.names()).length;
  await worker.runOnce();
  expect(await queue.names()).toHaveLength(before + 1);
  const { schedules } = createAdmin({ database: pools.worker, schema: queue.schema });
  const operator = createAdmin({ database: pools.operator, schema: queue.schema });
  for (const { set, pause, resume } of [schedules, operator.schedules]) {
    await set(schedule({ name: "daily", cron: "@daily", job: echo(1) }));
    await pause("daily");
    await resume("daily");
  }
  await schedules.runNow("daily");
  expect(await queue.names()).toHaveLength(before + 2);
  const reader = createAdmin({ database: pools.reader, schema: queue.schema });
  expect((await reader.schedules.list()).map(({ name }) => name)).toEqual(["daily", "yearly"]);
  await expect(reader.schedules.runNow("daily")).rejects.toMatchObject(denied);
  await operator.schedules.remove("daily");
  await schedules.remove("yearly");
});

test.each([
  "update pillion.archive set result = '1'",
  "delete from pillion.archive",
  ...enqueueing.slice(0, 3),
  ...changing,
  "delete from pillion.subscription",
  "drop table pillion.job",
])("a worker can do no more: %s", async (statement) => {
  await expect(as("worker", statement)).rejects.toMatchObject(denied);
});

test("an enqueuer cancels, reschedules, retries and publishes, and the guard holds", async () => {
  const { verbs } = queue;
  const topic = defineTopic({ name: "topic", payload: type<number>() });
  const acts: ((tx: pg.ClientBase) => Promise<unknown>)[] = [
    async (tx) => {
      const { id } = await verbs.enqueue(tx, echo(1, { queue: "taken back" }));
      await verbs.reschedule(tx, id, { delayMs: 60_000 });
      await verbs.cancel(tx, id);
      expect(await verbs.retry(tx, id)).toEqual({ ids: [id], next: null });
      expect(await verbs.cancel(tx, { queue: "taken back" })).toEqual({ ids: [id], next: null });
    },
    (tx) => verbs.publish(tx, topic, 1),
  ];
  for (const act of acts) await inTransaction("enqueuer", act);
  const client = await pools.enqueuer.connect();
  for (const act of [
    () => verbs.cancel(client, "1"),
    () => verbs.retry(client, "1"),
    () => verbs.reschedule(client, "1", { delayMs: 1 }),
    () => verbs.publish(client, topic, 1),
  ])
    await expect(act()).rejects.toMatchObject({ code: "25P01" });
  client.release();
});

test("an operator cancels, pauses, resumes and sets queues, and says who subscribes", async () => {
  await inTransaction("operator", async (tx) => {
    expect(await queue.verbs.pause(tx, "mail")).toEqual({ changed: true });
    expect(await queue.verbs.resume(tx, "mail")).toEqual({ changed: true });
  });
  for (const statement of [
    ...changing,
    "update pillion.queue set concurrency = 1",
    "delete from pillion.subscription",
  ])
    await as("operator", statement);
});

const operated = /pillion[.](queue|subscription|schedule)\b/;
test.each([
  ...[...reading, ...writing].filter((statement) => !operated.test(statement)),
  ...enqueueing,
  ...inside,
  ...looking,
])("an operator can do nothing else: %s", async (statement) => {
  await expect(as("operator", statement)).rejects.toMatchObject(denied);
});

test("a function with its owner's rights has a fixed search_path, and none is anybody's to call", async () => {
  const functions = await queue.query(
    `select p.oid::regprocedure::text as name, p.prosecdef as owners, coalesce(p.proconfig, '{}') as settings,
       exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as public
     from pg_proc p where p.pronamespace = $1::regnamespace`,
    [queue.schema],
  );
  const fixed = (settings: string[]) => settings.includes("search_path=pg_catalog, pg_temp");
  const owners = functions.filter(({ owners }) => owners);
  expect(owners.length).toBeGreaterThan(20);
  expect(owners.filter(({ settings }) => !fixed(settings!)).map(({ name }) => name)).toEqual([]);
  expect(functions.filter((one) => one.public).map(({ name }) => name)).toEqual([]);
});

test("a kind of role that there is not is refused by name", async () => {
  await expect(queue.query("select pillion.allow('postgres', 'admin')")).rejects.toMatchObject({
    code: "22023",
    message: "pillion: 'admin' is no kind of role",
    hint: "It is one of 'enqueuer', 'worker', 'operator', 'reader' and 'tester'.",
  });
});

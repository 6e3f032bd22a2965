import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type OwnQueue, ownQueue } from "./own-queue.ts";

let queue: OwnQueue;
beforeAll(async () => {
  queue = await ownQueue("in_sql");
});
afterAll(() => queue.drop());

const whole = "not a whole number from 1 to 2147483647";
const time = 'not a time with its zone, as in "2030-01-31T09:00:00Z"';
const until = 'not "started", "finished" or {"periodMs": number from 1 to 100000000000000}';
const nothing = "Nothing was enqueued.";
const known =
  "Known options: queue, version, priority, headers, runAt, delayMs, startBefore, maxAttempts, partitionKey, uniqueKey, uniqueUntil, onConflict.";
const name = "Pass the name that defineJob was given.";

test.each<[message: string, hint: string, args: string]>([
  ["the job name NULL is not a text of 1 to 128 bytes", name, "null, '1'"],
  ["the job name '' is not a text of 1 to 128 bytes", name, "'', '1'"],
  [`the job name '${"é".repeat(65)}' is not a text of 1 to 128 bytes`, name, "repeat('é', 65), '1'"],
  [
    'job "mail": its payload is an SQL NULL',
    "Pass a jsonb value; the JSON null is 'null'::jsonb.",
    "'mail', null",
  ],
  [
    'job "mail": its payload has 1048577 bytes; at most 1048576 are allowed',
    "Store the data and enqueue a reference to it.",
    "'mail', to_jsonb(repeat('x', 1048575))",
  ],
  [
    'job "mail": its options are a JSON array, not an object',
    `Pass an object: '{"delayMs": 60000}'.`,
    "'mail', '1', '[]'",
  ],
  ['job "mail": it has the unknown option "prioritiy"', known, `'mail', '1', '{"prioritiy": 1}'`],
  ['job "mail": it has the unknown option "run_at"', known, `'mail', '1', '{"run_at": null}'`],
  ['job "mail": its queue is "", not a text of 1 to 128 bytes', nothing, `'mail', '1', '{"queue": ""}'`],
  ['job "mail": its queue is 7, not a text of 1 to 128 bytes', nothing, `'mail', '1', '{"queue": 7}'`],
  [
    'job "mail": its uniqueKey is "", not a text of 1 to 512 bytes',
    nothing,
    `'mail', '1', '{"uniqueKey": ""}'`,
  ],
  [
    'job "mail": its partitionKey is [], not a text of 1 to 512 bytes',
    nothing,
    `'mail', '1', '{"partitionKey": []}'`,
  ],
  [
    'job "mail": its priority is 5, not a whole number from -4 to 4',
    nothing,
    `'mail', '1', '{"priority": 5}'`,
  ],
  [
    'job "mail": its priority is 1.5, not a whole number from -4 to 4',
    nothing,
    `'mail', '1', '{"priority": 1.5}'`,
  ],
  [
    'job "mail": its priority is "1", not a whole number from -4 to 4',
    nothing,
    `'mail', '1', '{"priority": "1"}'`,
  ],
  [`job "mail": its maxAttempts is 0, ${whole}`, nothing, `'mail', '1', '{"maxAttempts": 0}'`],
  [`job "mail": its maxAttempts is 3.0, ${whole}`, nothing, `'mail', '1', '{"maxAttempts": 3.0}'`],
  [
    `job "mail": its maxAttempts is 2147483648, ${whole}`,
    nothing,
    `'mail', '1', '{"maxAttempts": 2147483648}'`,
  ],
  [`job "mail": its version is true, ${whole}`, nothing, `'mail', '1', '{"version": true}'`],
  [
    'job "mail": its delayMs is -1, not a number of milliseconds from 0 to 100000000000000',
    nothing,
    `'mail', '1', '{"delayMs": -1}'`,
  ],
  [
    'job "mail": its delayMs is "1", not a number of milliseconds from 0 to 100000000000000',
    nothing,
    `'mail', '1', '{"delayMs": "1"}'`,
  ],
  [`job "mail": its runAt is "tomorrow", ${time}`, nothing, `'mail', '1', '{"runAt": "tomorrow"}'`],
  [`job "mail": its runAt is "infinity", ${time}`, nothing, `'mail', '1', '{"runAt": "infinity"}'`],
  [
    `job "mail": its runAt is "01/02/2030 09:00", ${time}`,
    nothing,
    `'mail', '1', '{"runAt": "01/02/2030 09:00"}'`,
  ],
  [
    `job "mail": its runAt is "2030-01-31T09:00:00", ${time}`,
    nothing,
    `'mail', '1', '{"runAt": "2030-01-31T09:00:00"}'`,
  ],
  [
    `job "mail": its runAt is "2030-02-31T09:00:00Z", ${time}`,
    nothing,
    `'mail', '1', '{"runAt": "2030-02-31T09:00:00Z"}'`,
  ],
  [
    `job "mail": its runAt is "999999-01-01T09:00:00Z", ${time}`,
    nothing,
    `'mail', '1', '{"runAt": "999999-01-01T09:00:00Z"}'`,
  ],
  [`job "mail": its runAt is 1893456000000, ${time}`, nothing, `'mail', '1', '{"runAt": 1893456000000}'`],
  [
    'job "mail": it has both runAt and delayMs; give one of them',
    nothing,
    `'mail', '1', '{"runAt": "2030-01-31T09:00:00Z", "delayMs": 1}'`,
  ],
  [
    `job "mail": its startBefore is "2030-01-31T09:00:00", ${time}`,
    nothing,
    `'mail', '1', '{"startBefore": "2030-01-31T09:00:00"}'`,
  ],
  [
    'job "mail": its startBefore is not after its runAt',
    nothing,
    `'mail', '1', '{"runAt": "2030-01-31T09:00:00Z", "startBefore": "2030-01-31T10:00:00+01:00"}'`,
  ],
  ['job "mail": its headers is [], not an object', nothing, `'mail', '1', '{"headers": []}'`],
  ['job "mail": it has uniqueUntil but no uniqueKey', nothing, `'mail', '1', '{"uniqueUntil": "finished"}'`],
  ['job "mail": it has onConflict but no uniqueKey', nothing, `'mail', '1', '{"onConflict": "keep"}'`],
  [
    'job "mail": its onConflict is "replace", not "keep", "debounce" or "throttle"',
    nothing,
    `'mail', '1', '{"uniqueKey": "k", "onConflict": "replace"}'`,
  ],
  [
    'job "mail": its onConflict is "debounce", which changes a job that waits: its uniqueUntil can only be "started"',
    nothing,
    `'mail', '1', '{"uniqueKey": "k", "onConflict": "debounce", "uniqueUntil": {"periodMs": 9}}'`,
  ],
  [
    `job "mail": its uniqueUntil is "never", ${until}`,
    nothing,
    `'mail', '1', '{"uniqueKey": "k", "uniqueUntil": "never"}'`,
  ],
  [
    `job "mail": its uniqueUntil is {"periodMs": 0}, ${until}`,
    nothing,
    `'mail', '1', '{"uniqueKey": "k", "uniqueUntil": {"periodMs": 0}}'`,
  ],
  [
    `job "mail": its uniqueUntil is {"x": 1, "periodMs": 9}, ${until}`,
    nothing,
    `'mail', '1', '{"uniqueKey": "k", "uniqueUntil": {"periodMs": 9, "x": 1}}'`,
  ],
])("enqueue in SQL refuses, and writes nothing: %s", async (message, hint, args) => {
  await expect(queue.query(`select pillion.enqueue(${args})`)).rejects.toMatchObject({
    code: "22023",
    message: `pillion: ${message}`,
    hint,
  });
  expect(await queue.query("select from pillion.job")).toEqual([]);
});

/** Runs SQL as psql would, in autocommit, and forgets the jobs at the end of the test. */
async function psql(text: string) {
  onTestFinished(
    async () => void (await queue.query("delete from pillion.job; delete from pillion.unique_key")),
  );
  return queue.query(text);
}

test("a statement by itself enqueues: nothing guards what is atomic by itself", async () => {
  const rows = await psql(
    "select id::text, created, state from pillion.enqueue('mail', '{\"to\": \"ada\"}')",
  );
  expect(rows).toEqual([{ id: expect.stringMatching(/^\d+$/), created: true, state: "ready" }]);
  expect(await queue.query("select payload, queue, max_attempts from pillion.job")).toEqual([
    { payload: { to: "ada" }, queue: "default", max_attempts: null },
  ]);
});

test("every option is stored, and one that is null is as if it were absent", async () => {
  await psql(`select pillion.enqueue(name => 'mail', payload => 'null', options => '{"queue": "post", "version": 2,
    "priority": -4, "headers": {"tenant": null}, "runAt": "2030-01-31T09:00:00+05:45", "startBefore": "2030-02-01T00:00Z", "maxAttempts": 3, "partitionKey": "p", "uniqueKey": "k"}')`);
  await psql(`select pillion.enqueue('mail', '[]', '{"queue": null, "version": null, "priority": null, "headers": null, "runAt": null,
    "delayMs": null, "startBefore": null, "maxAttempts": null, "partitionKey": null, "uniqueKey": null, "uniqueUntil": null,
    "onConflict": null}')`);
  expect(
    await queue.query(
      "select queue, version, priority, headers, run_at > now() as later, start_before = '2030-02-01T00:00Z' as until, state, max_attempts, partition_key, unique_key, payload from pillion.job order by id",
    ),
  ).toEqual([
    {
      queue: "post",
      version: 2,
      priority: -4,
      headers: { tenant: null },
      later: true,
      until: true,
      state: "scheduled",
      max_attempts: 3,
      partition_key: "p",
      unique_key: "k",
      payload: null,
    },
    {
      queue: "default",
      version: 1,
      priority: 0,
      headers: null,
      later: false,
      until: null,
      state: "ready",
      max_attempts: null,
      partition_key: null,
      unique_key: null,
      payload: [],
    },
  ]);
  const [post] = await queue.query(
    "select extract(epoch from run_at)::float8 as due from pillion.job where queue = 'post'",
  );
  expect(post!.due).toBe(Date.parse("2030-01-31T09:00:00+05:45") / 1000);
});

test("a time that the database itself writes as JSON is taken, in any session", async () => {
  const client = await queue.connect({ TimeZone: "Asia/Kathmandu", DateStyle: "SQL,DMY" });
  const rows = await queue.query(
    "select state from pillion.enqueue('mail', '1', jsonb_build_object('runAt', now() + interval '1 hour'))",
    [],
    client,
  );
  expect(rows).toEqual([{ state: "scheduled" }]);
  await queue.query("delete from pillion.job");
});

test("a key that a waiting job holds is answered with that job, in every state of the transaction", async () => {
  const keyed = `select id::text, created, state from pillion.enqueue('mail', '1', '{"uniqueKey": "order 7"}')`;
  const [first] = await psql(keyed);
  expect(first).toMatchObject({ created: true });
  expect(await queue.query(keyed)).toEqual([{ ...first, created: false }]);
  const tx = await queue.begin();
  expect(await queue.query(keyed, [], tx)).toEqual([{ ...first, created: false }]);
  await tx.query("commit");
  expect(await queue.names()).toEqual(["mail"]);
});

test.each([
  ["keep", { payload: 1, state: "scheduled" }],
  ["debounce", { payload: 2, state: "ready" }],
  ["throttle", { payload: 2, state: "scheduled" }],
])("onConflict %s does to the waiting job what it says", async (onConflict, becomes) => {
  await psql(`select pillion.enqueue('mail', '1', '{"uniqueKey": "k", "delayMs": 3600000}')`);
  expect(
    await queue.query("select created, state from pillion.enqueue('mail', '2', $1)", [
      { uniqueKey: "k", uniqueUntil: "started", onConflict },
    ]),
  ).toEqual([{ created: false, state: becomes.state }]);
  expect(await queue.query("select payload, state from pillion.job")).toEqual([becomes]);
});

test("in a trigger, a function and a procedure the job shares the fate of the row", async () => {
  await queue.query(`
    create table pillion.orders (id integer primary key deferrable initially deferred, total integer check (total > 0));
    create function pillion.ordered() returns trigger language plpgsql as
      $$ begin perform pillion.enqueue('invoice', jsonb_build_object('order', new.id)); return null; end $$;
    create trigger ordered after insert on pillion.orders for each row execute function pillion.ordered();
    create function pillion.place(id integer) returns integer language sql as
      $$ insert into pillion.orders values (id, 1) returning id $$;
    create procedure pillion.place_each(ids integer[]) language plpgsql as
      $$ declare id integer; begin foreach id in array ids loop perform pillion.place(id); commit; end loop; end $$`);
  onTestFinished(
    async () => void (await queue.query("drop table pillion.orders cascade; delete from pillion.job")),
  );
  const invoices = async () =>
    (await queue.query("select (payload ->> 'order')::int as id from pillion.job order by 1")).map(({ id }) =>
      Number(id),
    );

  await queue.query("insert into pillion.orders values (1, 1), (2, 1)");
  await expect(queue.query("insert into pillion.orders values (3, 1), (4, 0)")).rejects.toMatchObject({
    code: "23514",
  });
  await queue.query("select pillion.place(5)");
  await expect(queue.query("select pillion.place(5)")).rejects.toMatchObject({ code: "23505" });
  await queue.query("call pillion.place_each('{6, 7}')");
  await expect(queue.query("call pillion.place_each('{8, 6, 9}')")).rejects.toMatchObject({ code: "23505" });
  await queue.query(
    "do $$ begin perform pillion.place(10); exception when others then null; end $$".replaceAll(
      "pillion.",
      `${queue.schema}.`,
    ),
  );
  await queue.query(
    "do $$ begin begin perform pillion.place(11); raise 'undo'; exception when others then null; end; end $$",
  );
  expect(await invoices()).toEqual([1, 2, 5, 6, 7, 8, 10]);
  expect(await queue.query("select id from pillion.orders order by id")).toEqual(
    (await invoices()).map((id) => ({ id })),
  );
});

test("many jobs go in with one statement, and none where one of them is refused", async () => {
  await psql("select pillion.enqueue('mail', to_jsonb(i)) from generate_series(1, 100) i");
  expect(await queue.names()).toHaveLength(100);
  await expect(
    queue.query(
      "select pillion.enqueue('mail', to_jsonb(i), jsonb_build_object('delayMs', 50 - i)) from generate_series(1, 100) i",
    ),
  ).rejects.toMatchObject({
    message: 'pillion: job "mail": its delayMs is -1, not a number of milliseconds from 0 to 100000000000000',
  });
  expect(await queue.names()).toHaveLength(100);
});

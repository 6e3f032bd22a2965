import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyQueue, type Seeded, seeded, withSteps } from "./seeded.ts";

let queue: Seeded;
beforeAll(async () => {
  queue = await seeded();
});
afterAll(() => queue.drop());

/** What a command says, for people and for scripts. */
async function said(...args: string[]): Promise<{ people: string; script: unknown }> {
  const [people, script] = await Promise.all([queue.run(...args), queue.run(...args, "--json")]);
  expect(people).toMatchObject({ exitCode: 0, stderr: "" });
  expect(script).toMatchObject({ exitCode: 0, stderr: "" });
  return { people: people.stdout, script: JSON.parse(script.stdout) };
}

test("status shows the queues at a glance", async () => {
  const { people, script } = await said("status");
  expect(people).toMatchInlineSnapshot(`
    "QUEUE    READY  RUNNING  PER SECOND  FAILING  SCHEDULED  DEAD  OLDEST
    mail         2        0           0        0          1     2      2h
    uploads      1        0           0        0          0     0      2h  paused since 2026-01-02 04:00:00Z
    "
  `);
  expect(script).toMatchInlineSnapshot(`
    {
      "queues": [
        {
          "completedPerSecond": 0,
          "dead": 2,
          "failedPerSecond": 0,
          "name": "mail",
          "oldestReadyAt": "<time>",
          "oldestReadyMs": "<ms>",
          "pausedAt": null,
          "ready": 2,
          "running": 0,
          "scheduled": 1,
          "settings": {
            "concurrency": null,
            "fifo": false,
            "fifoOnDead": "continue",
            "keepCancelledMs": null,
            "keepCompletedMs": null,
            "keepDeadMs": null,
            "keyConcurrency": null,
            "keyRate": null,
            "rate": null,
          },
        },
        {
          "completedPerSecond": 0,
          "dead": 0,
          "failedPerSecond": 0,
          "name": "uploads",
          "oldestReadyAt": "<time>",
          "oldestReadyMs": "<ms>",
          "pausedAt": "2026-01-02T04:00:00.000Z",
          "ready": 1,
          "running": 0,
          "scheduled": 0,
          "settings": {
            "concurrency": null,
            "fifo": false,
            "fifoOnDead": "continue",
            "keepCancelledMs": null,
            "keepCompletedMs": null,
            "keepDeadMs": null,
            "keyConcurrency": null,
            "keyRate": null,
            "rate": null,
          },
        },
      ],
      "schema": "<schema>",
    }
  `);
});

test("status tells how much of the last minute's work each queue has got done, and how much failed", async () => {
  const busy = await emptyQueue();
  await busy.query(
    `insert into pillion.archive (id, state, queue, name, version, priority, attempt, created_at, run_at, started_at, finished_at, enqueued_xid,
       payload, keep_until)
     select i, case when i % 10 = 0 then 'dead' else 'completed' end::pillion.job_state, 'busy', 'n', 1, 0, 1, at, at, at, at, '1', '1', current_date + 7
     -- Ten in each second, also of the minutes to come, so that it does not matter when the command looks.
     from generate_series(1, 18000) i, lateral (select statement_timestamp() + (i - 6000) * interval '100 ms' as at) t`,
  );
  const { stdout } = await busy.run("status", "--json");
  const [status] = JSON.parse(stdout).queues;
  expect(status.completedPerSecond).toBeCloseTo(9, 0);
  expect(status.failedPerSecond).toBeCloseTo(1, 0);
  expect((await busy.run("status")).stdout).toMatch(
    /busy +0 +0 +(8\.[5-9]\d*|9|9\.\d+) +(0\.\d+|1|1\.\d+) +0 /,
  );
  await busy.drop();
});

test("jobs lists the newest first, without payloads", async () => {
  const { people, script } = await said("jobs", "--limit", "5");
  expect(people).toMatchInlineSnapshot(`
    "ID  STATE      NAME         QUEUE    ATTEMPT  CREATED
     8  ready      rows.load    uploads     0/20  2026-01-02 03:08:00Z
     7  cancelled  page.render  default     0/20  2026-01-02 03:07:00Z  ended 2026-01-02 03:07:03Z
     6  scheduled  mail.send    mail        0/20  2026-01-02 03:06:00Z  runs at 2030-01-01 00:00:00Z
     5  ready      mail.send    mail        0/20  2026-01-02 03:05:00Z
     4  ready      mail.send    mail        0/20  2026-01-02 03:04:00Z  key bob

    Older ones: the same command with --before 4
    "
  `);
  expect(script).toMatchInlineSnapshot(`
    {
      "jobs": [
        {
          "attempt": 0,
          "cancelledAt": null,
          "createdAt": "2026-01-02T03:08:00.000Z",
          "error": null,
          "finishedAt": null,
          "headers": null,
          "id": "8",
          "maxAttempts": 20,
          "name": "rows.load",
          "parent": null,
          "partitionKey": "tenant 7",
          "priority": 0,
          "queue": "uploads",
          "runAt": "<time>",
          "startBefore": null,
          "state": "ready",
          "uniqueKey": null,
          "version": 1,
        },
        {
          "attempt": 0,
          "cancelledAt": null,
          "createdAt": "2026-01-02T03:07:00.000Z",
          "error": null,
          "finishedAt": "2026-01-02T03:07:03.000Z",
          "headers": null,
          "id": "7",
          "maxAttempts": 20,
          "name": "page.render",
          "parent": null,
          "partitionKey": null,
          "priority": 0,
          "queue": "default",
          "runAt": "2026-01-02T03:07:00.000Z",
          "startBefore": null,
          "state": "cancelled",
          "uniqueKey": null,
          "version": 1,
        },
        {
          "attempt": 0,
          "cancelledAt": null,
          "createdAt": "2026-01-02T03:06:00.000Z",
          "error": null,
          "finishedAt": null,
          "headers": null,
          "id": "6",
          "maxAttempts": 20,
          "name": "mail.send",
          "parent": null,
          "partitionKey": null,
          "priority": 0,
          "queue": "mail",
          "runAt": "2030-01-01T00:00:00.000Z",
          "startBefore": null,
          "state": "scheduled",
          "uniqueKey": null,
          "version": 1,
        },
        {
          "attempt": 0,
          "cancelledAt": null,
          "createdAt": "2026-01-02T03:05:00.000Z",
          "error": null,
          "finishedAt": null,
          "headers": {
            "tenant": "8",
          },
          "id": "5",
          "maxAttempts": 20,
          "name": "mail.send",
          "parent": null,
          "partitionKey": null,
          "priority": 2,
          "queue": "mail",
          "runAt": "<time>",
          "startBefore": null,
          "state": "ready",
          "uniqueKey": null,
          "version": 1,
        },
        {
          "attempt": 0,
          "cancelledAt": null,
          "createdAt": "2026-01-02T03:04:00.000Z",
          "error": null,
          "finishedAt": null,
          "headers": null,
          "id": "4",
          "maxAttempts": 20,
          "name": "mail.send",
          "parent": null,
          "partitionKey": null,
          "priority": 0,
          "queue": "mail",
          "runAt": "<time>",
          "startBefore": null,
          "state": "ready",
          "uniqueKey": "bob",
          "version": 1,
        },
      ],
      "next": "4",
      "schema": "<schema>",
    }
  `);
});

test("jobs goes on with --before, and shows payloads where it is asked to", async () => {
  const { people } = await said("jobs", "--before", "4", "--payload");
  expect(people).toMatchInlineSnapshot(`
    "ID  STATE      NAME         QUEUE    ATTEMPT  CREATED                                                     PAYLOAD
     3  dead       mail.send    mail        1/20  2026-01-02 03:03:00Z  DiscardError: the address is unknown  {"to":"nobody@shop.example"}
     2  dead       mail.send    mail         2/2  2026-01-02 03:02:00Z  Error: smtp.example answers 451       {"to":"ann@shop.example"}
     1  completed  page.render  default     1/20  2026-01-02 03:01:00Z  ended 2026-01-02 03:01:03Z            {"url":"https://shop.example/1"}
    "
  `);
});

test("a job's page tells its attempts, and each error once, with the stack", async () => {
  const { people, script } = await said("job", "2");
  expect(people).toMatchInlineSnapshot(`
    "job      2 mail.send
    state    dead
    queue    mail
    attempt  2 of at most 2
    created  2026-01-02 03:02:00Z
    run at   2026-01-02 03:02:00Z
    ended    2026-01-02 03:02:03Z
    headers  {"tenant":"7"}
    payload  25 bytes as JSON; --payload shows it

    ATTEMPT  OUTCOME  STARTED               TOOK  WORKER
          1  failed   2026-01-02 03:01:52Z    1s  host:1234
          2  dead     2026-01-02 03:02:01Z    2s  host:1234

    error of attempt 1, attempt 2
      Error: smtp.example answers 451
          at deliver (mail.ts:12:9)
          at run (mail.ts:40:3)
    "
  `);
  expect(script).toMatchInlineSnapshot(`
    {
      "attempt": 2,
      "attempts": [
        {
          "attempt": 1,
          "error": {
            "message": "smtp.example answers 451",
            "name": "Error",
            "stack": "Error: smtp.example answers 451
        at deliver (mail.ts:12:9)
        at run (mail.ts:40:3)",
          },
          "finishedAt": "2026-01-02T03:01:53.000Z",
          "outcome": "failed",
          "startedAt": "2026-01-02T03:01:52.000Z",
          "worker": "host:1234",
        },
        {
          "attempt": 2,
          "error": {
            "message": "smtp.example answers 451",
            "name": "Error",
            "stack": "Error: smtp.example answers 451
        at deliver (mail.ts:12:9)
        at run (mail.ts:40:3)",
          },
          "finishedAt": "2026-01-02T03:02:03.000Z",
          "outcome": "dead",
          "startedAt": "2026-01-02T03:02:01.000Z",
          "worker": "host:1234",
        },
      ],
      "cancelledAt": null,
      "children": [],
      "createdAt": "2026-01-02T03:02:00.000Z",
      "error": {
        "message": "smtp.example answers 451",
        "name": "Error",
        "stack": "Error: smtp.example answers 451
        at deliver (mail.ts:12:9)
        at run (mail.ts:40:3)",
      },
      "finishedAt": "2026-01-02T03:02:03.000Z",
      "headers": {
        "tenant": "7",
      },
      "id": "2",
      "maxAttempts": 2,
      "name": "mail.send",
      "parent": null,
      "partitionKey": null,
      "priority": 0,
      "queue": "mail",
      "runAt": "2026-01-02T03:02:00.000Z",
      "startBefore": null,
      "state": "dead",
      "steps": [],
      "uniqueKey": null,
      "version": 1,
    }
  `);
});

test("a job's page shows payload and result where it is asked to", async () => {
  const { people, script } = await said("job", "1", "--payload");
  expect(people).toMatchInlineSnapshot(`
    "job      1 page.render
    state    completed
    queue    default
    attempt  1 of at most 20
    created  2026-01-02 03:01:00Z
    run at   2026-01-02 03:01:00Z
    ended    2026-01-02 03:01:03Z
    headers  {"tenant":"7"}
    payload  {"url":"https://shop.example/1"}
    result   {"pdf":"page.pdf"}

    ATTEMPT  OUTCOME    STARTED               TOOK  WORKER
          1  completed  2026-01-02 03:01:01Z    2s  host:1234
    "
  `);
  expect(script).toMatchObject({ payload: { url: "https://shop.example/1" }, result: { pdf: "page.pdf" } });
});

test("schedules are listed with their slots", async () => {
  const { people, script } = await said("schedules");
  expect(people).toMatchInlineSnapshot(`
    "SCHEDULE      SLOTS                          JOB          QUEUE    LAST  NEXT
    daily report  0 7 * * MON-FRI Europe/Berlin  page.render  default  -     <time>
    stock         every 30s                      rows.load    uploads  -     -                     paused since 2026-01-02 04:00:00Z
    "
  `);
  expect(script).toMatchInlineSnapshot(`
    {
      "schedules": [
        {
          "createdAt": "<time>",
          "cron": "0 7 * * MON-FRI",
          "everyMs": null,
          "job": {
            "headers": null,
            "maxAttempts": 20,
            "name": "page.render",
            "partitionKey": null,
            "priority": 0,
            "queue": "default",
            "version": 1,
          },
          "lastSlot": null,
          "missed": "runOnce",
          "name": "daily report",
          "nextSlot": "<time>",
          "pausedAt": null,
          "problem": null,
          "source": "runTime",
          "timeZone": "Europe/Berlin",
          "updatedAt": "<time>",
        },
        {
          "createdAt": "<time>",
          "cron": null,
          "everyMs": 30000,
          "job": {
            "headers": null,
            "maxAttempts": 20,
            "name": "rows.load",
            "partitionKey": null,
            "priority": 0,
            "queue": "uploads",
            "version": 1,
          },
          "lastSlot": null,
          "missed": "runOnce",
          "name": "stock",
          "nextSlot": null,
          "pausedAt": "2026-01-02T04:00:00.000Z",
          "problem": null,
          "source": "runTime",
          "timeZone": null,
          "updatedAt": "<time>",
        },
      ],
      "schema": "<schema>",
    }
  `);
});

test.each<[args: string[], ids: string[]]>([
  [
    ["--queue", "mail", "--state", "dead,scheduled"],
    ["6", "3", "2"],
  ],
  [["--key", "bob"], ["4"]],
  [["--partition", "tenant 7"], ["8"]],
  [["--header", 'tenant:="8"', "--queue", "mail"], ["5"]],
])("jobs %j are those of the filter", async (args, ids) => {
  const { stdout } = await queue.run("jobs", ...args, "--json");
  expect(JSON.parse(stdout).jobs.map(({ id }: { id: string }) => id)).toEqual(ids);
});

test("a job with steps tells what they came to, what it waits for, and its children", async () => {
  const id = await withSteps(queue);
  const { people, script } = await said("job", id);
  expect(people).toMatchInlineSnapshot(`
    "job      9 order.fulfil
    state    scheduled
    queue    orders
    attempt  0 of at most 20
    created  2026-01-02 05:00:00Z
    waits    in step 3
    payload  15 bytes as JSON; --payload shows it

    ATTEMPT  OUTCOME  STARTED               TOOK  WORKER
          1  snoozed  2026-01-02 05:01:00Z    1s  host:1234
          1  snoozed  2026-01-02 05:02:00Z    2s  host:1234

    STEP  NAME             KIND   STATE      STARTED               TOOK
       1  charge           step   completed  2026-01-02 05:01:00Z     -
       2  shipment.packed  event  completed  2026-01-02 05:02:00Z    4m  event shipment.packed of 7
       3  run mail.send    run    waiting    2026-01-02 05:03:00Z     -  jobs 10

    CHILD  STATE  NAME
       10  ready  mail.send
    "
  `);
  expect(script).toMatchInlineSnapshot(`
    {
      "attempt": 0,
      "attempts": [
        {
          "attempt": 1,
          "error": null,
          "finishedAt": "2026-01-02T05:01:01.000Z",
          "outcome": "snoozed",
          "startedAt": "2026-01-02T05:01:00.000Z",
          "worker": "host:1234",
        },
        {
          "attempt": 1,
          "error": null,
          "finishedAt": "2026-01-02T05:02:02.000Z",
          "outcome": "snoozed",
          "startedAt": "2026-01-02T05:02:00.000Z",
          "worker": "host:1234",
        },
      ],
      "cancelledAt": null,
      "children": [
        {
          "id": "10",
          "name": "mail.send",
          "state": "ready",
        },
      ],
      "createdAt": "2026-01-02T05:00:00.000Z",
      "error": null,
      "finishedAt": null,
      "headers": null,
      "id": "9",
      "maxAttempts": 20,
      "name": "order.fulfil",
      "parent": null,
      "partitionKey": null,
      "priority": 0,
      "queue": "orders",
      "runAt": "<time>",
      "startBefore": null,
      "state": "scheduled",
      "steps": [
        {
          "children": [],
          "error": null,
          "event": null,
          "finishedAt": "2026-01-02T05:03:00.000Z",
          "kind": "step",
          "name": "charge",
          "position": 1,
          "startedAt": "2026-01-02T05:01:00.000Z",
          "state": "completed",
          "until": null,
        },
        {
          "children": [],
          "error": null,
          "event": {
            "key": "7",
            "name": "shipment.packed",
          },
          "finishedAt": "2026-01-02T05:06:00.000Z",
          "kind": "event",
          "name": "shipment.packed",
          "position": 2,
          "startedAt": "2026-01-02T05:02:00.000Z",
          "state": "completed",
          "until": "2030-01-01T00:00:00.000Z",
        },
        {
          "children": [
            "10",
          ],
          "error": null,
          "event": null,
          "finishedAt": null,
          "kind": "run",
          "name": "run mail.send",
          "position": 3,
          "startedAt": "2026-01-02T05:03:00.000Z",
          "state": "waiting",
          "until": null,
        },
      ],
      "uniqueKey": null,
      "version": 1,
    }
  `);
  const shown = await said("job", id, "--payload");
  expect(shown.people).toContain('{"receipt":"r-1"}');
  expect(shown.script).toMatchObject({
    steps: [{ result: { receipt: "r-1" } }, { result: { boxes: 3 } }, {}],
  });
});

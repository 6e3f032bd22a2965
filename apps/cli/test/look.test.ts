import { afterAll, beforeAll, expect, test } from "vitest";
import { start } from "./pillion.ts";
import { said } from "./said.ts";
import { emptyQueue, ownQueue, type Seeded, seeded } from "./seeded.ts";

let queue: Seeded;
beforeAll(async () => {
  queue = await seeded();
});
afterAll(() => queue.drop());

test("status shows the queues at a glance", async () => {
  const { people, script } = await said(queue, "status");
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
          "readyMore": false,
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
          "readyMore": false,
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
  const busy = await ownQueue(emptyQueue);
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
});

test("whoever has read enough closes the pipe, and the command ends quietly", async () => {
  const many = await emptyQueue();
  await many.query(
    "insert into pillion.job (queue, name, payload) select 'long', repeat('n', 100), '1' from generate_series(1, 1000)",
  );
  const { child, ended } = await start(["jobs", "--limit", "1000", "--json", ...many.place]);
  child.stdout.once("data", () => child.stdout.destroy());
  expect(await ended).toMatchObject({ exitCode: 0, stderr: "" });
  await many.drop();
});

test("jobs lists the newest first, without payloads", async () => {
  const { people, script } = await said(queue, "jobs", "--limit", "5");
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
  const { people } = await said(queue, "jobs", "--before", "4", "--payload");
  expect(people).toMatchInlineSnapshot(`
    "ID  STATE      NAME         QUEUE    ATTEMPT  CREATED                                                     PAYLOAD
     3  dead       mail.send    mail        1/20  2026-01-02 03:03:00Z  DiscardError: the address is unknown  {"to":"nobody@shop.example"}
     2  dead       mail.send    mail         2/2  2026-01-02 03:02:00Z  Error: smtp.example answers 451       {"to":"ann@shop.example"}
     1  completed  page.render  default     1/20  2026-01-02 03:01:00Z  ended 2026-01-02 03:01:03Z            {"url":"https://shop.example/1"}
    "
  `);
});

test("schedules are listed with their slots", async () => {
  const { people, script } = await said(queue, "schedules");
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
  [
    ["--name", "page.render"],
    ["7", "1"],
  ],
  [["--key", "bob"], ["4"]],
  [["--partition", "tenant 7"], ["8"]],
  [["--header", 'tenant:="8"', "--queue", "mail"], ["5"]],
])("jobs %j are those of the filter", async (args, ids) => {
  const { stdout } = await queue.run("jobs", ...args, "--json");
  expect(JSON.parse(stdout).jobs.map(({ id }: { id: string }) => id)).toEqual(ids);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { said } from "./said.ts";
import { type Seeded, seeded, withSteps } from "./seeded.ts";

let queue: Seeded;
beforeAll(async () => {
  queue = await seeded();
});
afterAll(() => queue.drop());

test("a job's page tells its attempts, and each error once, with the stack", async () => {
  const { people, script } = await said(queue, "job", "2");
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
  const { people, script } = await said(queue, "job", "1", "--payload");
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

test("a job with steps tells what they came to, what it waits for, and its children", async () => {
  const id = await withSteps(queue);
  const { people, script } = await said(queue, "job", id);
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
  const shown = await said(queue, "job", id, "--payload");
  expect(shown.people).toContain('{"receipt":"r-1"}');
  expect(shown.script).toMatchObject({
    steps: [{ result: { receipt: "r-1" } }, { result: { boxes: 3 } }, {}],
  });
});

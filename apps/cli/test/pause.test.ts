import { expect, test } from "vitest";
import { ownQueue } from "./seeded.ts";

test("a queue is paused and resumed; one that nobody has used is pointed at", async () => {
  const queue = await ownQueue();
  expect(await queue.run("pause", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: queue "mail" is paused: 2 jobs wait, 0 jobs run to their end.
    ",
    }
  `);
  expect(await queue.run("pause", "mail", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"queue":"mail","changed":false}
    ",
    }
  `);
  expect(await queue.run("resume", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: queue "mail" goes on.
    ",
    }
  `);
  expect(await queue.run("resume", "mail")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: queue "mail" was not paused.
    ",
    }
  `);
  expect(await queue.run("pause", "mial")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "note: queue "mial" has neither jobs nor workers nor settings at the moment. Is the name right? \`pillion status\` lists them.
    ",
      "stdout": "done: queue "mial" is paused.
    ",
    }
  `);
});

test("a schedule is paused, resumed, run and removed", async () => {
  const queue = await ownQueue();
  expect(await queue.run("schedules", "pause", "daily report")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: schedule "daily report" is paused.
    ",
    }
  `);
  expect(await queue.run("schedules", "resume", "stock")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: schedule "stock" goes on.
    ",
    }
  `);
  expect(await queue.run("schedules", "run", "stock", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"id":"9"}
    ",
    }
  `);
  expect(await queue.run("schedules", "run", "daily report")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: job 10 is ready.
    ",
    }
  `);
  expect(await queue.run("schedules", "remove", "stock")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: schedule "stock" is removed.
    ",
    }
  `);
  expect(await queue.run("schedules", "remove", "stock")).toMatchInlineSnapshot(`
    {
      "exitCode": 6,
      "stderr": "error: There is no schedule "stock" in the schema <schema>. Nothing was changed.
    ",
      "stdout": "",
    }
  `);
  const { stdout } = await queue.run("schedules", "--json");
  expect(JSON.parse(stdout).schedules).toMatchObject([
    { name: "daily report", pausedAt: expect.any(String) },
  ]);
});

import { expect, test } from "vitest";
import { start } from "./pillion.ts";
import { emptyQueue, ownQueue } from "./seeded.ts";

test("a job is enqueued with its options; a key that is taken makes none", async () => {
  const queue = await ownQueue(emptyQueue);
  const options = [
    "--queue",
    "mail",
    "--key",
    "eve",
    "--in",
    "1h",
    "--priority",
    "2",
    "--header",
    "tenant=9",
  ];
  expect(await queue.run("enqueue", "mail.send", '{"to":"eve"}', ...options)).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: job 1 "mail.send" is scheduled.
    ",
    }
  `);
  expect(await queue.run("enqueue", "mail.send", "--key", "eve")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "none made: job 1 "mail.send" has the key "eve" already, and is scheduled.
    ",
    }
  `);
  expect(await queue.answer('{"from": "stdin"}', "enqueue", "x", "-", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"id":"3","created":true,"state":"ready"}
    ",
    }
  `);
  const { stdout } = await queue.run("jobs", "--limit", "2", "--payload", "--json");
  expect(JSON.parse(stdout).jobs).toMatchObject([
    { name: "x", payload: { from: "stdin" }, state: "ready" },
    { payload: { to: "eve" }, state: "scheduled", priority: 2, uniqueKey: "eve", headers: { tenant: "9" } },
  ]);
});

test("an event is emitted once; a second emit changes nothing", async () => {
  const queue = await ownQueue(emptyQueue);
  expect(await queue.run("emit", "shipment.packed", "7", '{"boxes": 3}')).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "done: event "shipment.packed" of 7 has happened.
    ",
    }
  `);
  expect(await queue.run("emit", "shipment.packed", "7", "--keep", "1d")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "nothing done: event "shipment.packed" of 7 had happened before; its payload stays.
    ",
    }
  `);
  expect(await queue.answer('"said"', "emit", "shipment.packed", "8", "-", "--json")).toMatchInlineSnapshot(`
    {
      "exitCode": 0,
      "stderr": "",
      "stdout": "{"emitted":true}
    ",
    }
  `);
  expect(await queue.query("select key, payload from pillion.event order by key")).toEqual([
    { key: "7", payload: { boxes: 3 } },
    { key: "8", payload: "said" },
  ]);
});

/** What is said while these acts are done; each is to be told in one line before the next begins. */
async function follow(args: readonly string[], acts: readonly (() => Promise<unknown>)[]) {
  const tail = await start(["tail", ...args]);
  while (!tail.said.stderr.includes("Following"))
    await new Promise((done) => tail.child.stderr.once("data", done));
  for (const [index, act] of acts.entries()) {
    await act();
    while (tail.said.stdout.split("\n").length <= index + 1)
      await new Promise((done) => tail.child.stdout.once("data", done));
  }
  tail.child.kill("SIGINT");
  const { exitCode, stdout } = await tail.ended;
  expect(exitCode).toBe(0);
  return stdout;
}

test("tail shows what becomes of jobs while it happens", async () => {
  const queue = await ownQueue();
  const acts = [
    () => queue.run("enqueue", "mail.send", "--queue", "mail"),
    async () => {
      await queue.run("enqueue", "page.render");
      await queue.run("retry", "2");
    },
    () => queue.run("cancel", "2"),
  ];
  const stdout = await follow(["--queue", "mail", "--json", ...queue.place], acts);
  const said = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(said.map(({ id, state }) => `${id} ${state}`)).toEqual(["9 ready", "2 ready", "2 cancelled"]);
  expect(said[0]).not.toHaveProperty("payload");
});

test("tail tells people one line of each change, with the payload where it is asked for", async () => {
  const queue = await ownQueue(emptyQueue);
  const acts = [
    () => queue.run("enqueue", "mail.send", '{"to":"eve"}', "--queue", "mail"),
    () => queue.run("cancel", "1"),
  ];
  const stdout = await follow(["--payload", ...queue.place], acts);
  expect(stdout.replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, "(time)")).toMatchInlineSnapshot(`
    "(time)  ready      1 mail.send  mail  {"to":"eve"}
    (time)  cancelled  1 mail.send  mail  {"to":"eve"}
    "
  `);
});

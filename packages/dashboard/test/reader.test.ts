import { defineJob, type } from "@pillion/core";
import { createAdmin, schedule } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { routes } from "../src/routes.ts";
import { change, type TestBoard, testBoard } from "./board.ts";

const story = defineJob({ name: "story", payload: type<unknown>(), maxAttempts: 1 });

/** The same board, for a role that has been given these kinds of rights. */
async function boardOf(board: TestBoard, ...kinds: readonly string[]): Promise<TestBoard> {
  const role = `${board.schema}_${kinds.join("_") || "nobody"}`;
  await board.query(`create role ${role} login password 'only-for-this-test'`);
  for (const kind of kinds) await board.query("select pillion.allow($1, $2)", [role, kind]);
  const url = new URL(board.url);
  [url.username, url.password] = [role, "only-for-this-test"];
  const admin = createAdmin({ database: url.href, schema: board.schema });
  onTestFinished(async () => {
    await admin.close();
    await board.query(`drop owned by ${role}; drop role ${role}`);
  });
  return board.with({ admin });
}

/** What each action is asked; `id`: of a job that is dead, `group`: of its group. */
const bodies = (id: string, group: string): Readonly<Record<string, unknown>> => ({
  retry: { ids: [id] },
  cancel: { filter: { queue: "waits" } },
  reschedule: { filter: { queue: "waits" }, delayMs: 60_000 },
  redrive: { group },
  purge: { queue: "waits" },
  "pause-queue": { queue: "waits" },
  "resume-queue": { queue: "waits" },
  "set-queue": { queue: "waits", settings: { concurrency: 1 } },
  "pause-schedule": { name: "nightly" },
  "resume-schedule": { name: "nightly" },
  "run-schedule": { name: "nightly" },
});

async function filled(board: TestBoard): Promise<{ id: string; group: string }> {
  const worker = createWorker({
    database: board.url,
    schema: board.schema,
    logger: false,
    pollMs: 50,
    handlers: [handle(story, () => Promise.reject(new Error("no")))],
  });
  await worker.start();
  const id = await board.add("story", null, { maxAttempts: 1 });
  await board.reaches(id, "dead");
  await worker.stop();
  await board.add("story", null, { queue: "waits" });
  await board.admin.schedules.set(
    schedule({ name: "nightly", cron: "0 3 * * *", timeZone: "UTC", job: story(1) }),
  );
  return { id, group: (await board.admin.deadGroups()).groups[0]!.key };
}

const looks = routes.filter(({ method }) => method === "GET");
const addressOf = (path: string, id: string) =>
  path.replace(":id", id) + (path === "api/schedules/values" ? "?name=nightly" : "");

test("a reader's board answers every page, and the database itself refuses every action, in words that say why and who can help", async () => {
  const board = await testBoard();
  const { id, group } = await filled(board);
  const reader = await boardOf(board, "reader");
  for (const { path } of looks) {
    const { status, text } = await reader.get(addressOf(path, id));
    expect([path, status, status === 200 || text]).toEqual([path, 200, true]);
  }
  const { body: found } = await reader.get("api/dead");
  expect(found.groups.map(({ key }: { key: string }) => key)).toEqual([group]);
  const before = await state(board);
  const asked = bodies(id, group);
  for (const { method, path } of routes) {
    if (method === "GET") continue;
    const { status, body } = await reader.ask(path, {
      ...change,
      body: JSON.stringify(asked[path.replace("api/actions/", "")]),
    });
    expect([path, status, body.code, body.title]).toEqual([
      path,
      403,
      "MISSING_RIGHT",
      "The board's database role lacks a right",
    ]);
    expect(body.detail).toMatch(/permission denied for (function|table|view) \w+/);
    expect(body.detail).toContain("Nothing was changed.");
    expect(body.detail).toContain(`select ${board.schema}.allow('<role>', 'operator')`);
  }
  expect(await state(board)).toEqual(before);
  // How many it would be is a look.
  expect((await reader.act("purge", { queue: "waits", dryRun: true })).body.count).toBe(1);
  expect(reader.log).toEqual([]);
});

test("with the rights that the refusal names, each action is done", async () => {
  const board = await testBoard();
  const { id, group } = await filled(board);
  const operator = await boardOf(board, "reader", "operator", "worker");
  for (const [name, body] of Object.entries(bodies(id, group))) {
    // The one that is dead is so no longer.
    if (name === "redrive") continue;
    const answer = await operator.act(name, body);
    expect([name, answer.status, answer.text]).toEqual([name, 200, expect.not.stringContaining("denied")]);
  }
});

test("a role without any right is told that it may not look", async () => {
  const board = await testBoard();
  const nobody = await boardOf(board);
  for (const { path } of looks) {
    // What asks no table, and what says by itself what it cannot see.
    if (path === "api/board" || path === "api/doctor") continue;
    const { status, body } = await nobody.get(addressOf(path, "1"));
    expect([path, status, body.code]).toEqual([path, 403, "MISSING_RIGHT"]);
    expect(body.detail).toContain(`select ${board.schema}.allow('<role>', 'reader')`);
  }
});

async function state(board: TestBoard): Promise<unknown> {
  return board.query(
    `select (select jsonb_agg(to_jsonb(j) order by j.id) from pillion.jobs j) as jobs, (select jsonb_agg(q) from pillion.queue q) as queues,
       (select jsonb_agg(to_jsonb(s)) from pillion.schedule s) as schedules`,
  );
}

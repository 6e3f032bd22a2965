import { DiscardError, defineEvent, defineJob, type } from "@pillion/core";
import { schedule } from "@pillion/core/admin";
import { createWorker, handle } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { looks } from "../src/api.ts";
import { type TestBoard, testBoard } from "./board.ts";

const secret = "s3cret-of-ada";
const story = defineJob({ name: "story", payload: type<unknown>(), result: type<unknown>(), maxAttempts: 1 });
const packed = defineEvent({ name: "packed", payload: type<unknown>() });

async function work(board: TestBoard): Promise<void> {
  const worker = createWorker({
    database: board.url,
    schema: board.schema,
    logger: false,
    pollMs: 50,
    handlers: [
      handle(story, async (job) => {
        if (job.payload === "fail") throw new DiscardError("no mailbox 7");
        await job.step("charge", () => ({ card: secret }));
        return { receipt: secret };
      }),
    ],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
}

test("each page is answered: queues, workers, jobs and what has become of them", async () => {
  const board = await testBoard();
  await work(board);
  const done = await board.add("story", { card: secret }, { headers: { tenant: secret } });
  const dead = await board.add("story", "fail", { maxAttempts: 1 });
  const waits = await board.add("story", { card: secret }, { delayMs: 86_400_000, uniqueKey: "k" });
  await board.reaches(done, "completed");
  await board.reaches(dead, "dead");
  await board.admin.emit(packed("1"), secret);
  await board.admin.schedules.set(
    schedule({ name: "nightly", cron: "0 3 * * *", timeZone: "Europe/Berlin", job: story({ card: secret }) }),
  );
  const answers: Record<string, string> = {};
  const get = async (path: string) => {
    const answer = await board.get(path);
    expect([path, answer.status]).toEqual([path, 200]);
    answers[path] = answer.text;
    return answer.body;
  };

  expect(await get("api/board")).toEqual({
    title: "Pillion",
    schema: board.schema,
    version: expect.any(String),
    readOnly: false,
    values: true,
    viewer: null,
  });
  const overview = await get("api/overview?minutes=5");
  expect(overview.queues).toMatchObject([{ name: "default", ready: 0, dead: 1, scheduled: 1 }]);
  expect(overview.workers).toMatchObject([{ state: "running", names: ["story"], running: 0 }]);
  expect(overview.attention).toMatchObject([
    { code: "DEAD_JOBS", queue: "default", page: "dead?queue=default" },
  ]);
  expect(overview.throughput).toMatchObject({ minutes: 5, bucketSeconds: 5 });
  const { buckets } = await get("api/throughput?queue=default&bucketSeconds=60");
  const sum = (figure: string) =>
    buckets.reduce((all: number, bucket: Record<string, number>) => all + bucket[figure]!, 0);
  expect([sum("completed"), sum("dead")]).toEqual([1, 1]);
  expect((await get("api/queues")).queues[0].settings.concurrency).toBeNull();

  const all = await get("api/jobs");
  expect(all.jobs.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
    [waits, "scheduled"],
    [dead, "dead"],
    [done, "completed"],
  ]);
  expect(all.jobs[1].error).toEqual({ name: "DiscardError", message: "no mailbox 7", code: "DISCARD" });
  expect([all.next, all.complete]).toEqual([null, true]);
  const first = await get("api/jobs?limit=1&state=dead&state=completed&name=story");
  expect(first.jobs.map(({ id }: { id: string }) => id)).toEqual([dead]);
  const second = await get(`api/jobs?limit=1&state=dead&state=completed&before=${first.next}`);
  expect(second.jobs.map(({ id }: { id: string }) => id)).toEqual([done]);
  expect((await get(`api/jobs?ids=${waits},${dead}`)).jobs).toHaveLength(2);
  const byHeader = await board.get(
    `api/jobs?headers=${encodeURIComponent(JSON.stringify({ tenant: secret }))}`,
  );
  expect(byHeader.body.jobs.map(({ id }: { id: string }) => id)).toEqual([done]);

  const job = await get(`api/jobs/${done}`);
  expect(job.attempts).toMatchObject([{ attempt: 1, outcome: "completed", error: null }]);
  expect(job.steps).toMatchObject([{ name: "charge", kind: "step", state: "completed" }]);
  expect((await get(`api/jobs/${dead}`)).attempts[0].error).toMatchObject({
    name: "DiscardError",
    stack: expect.any(String),
  });
  const { groups, looked, more } = await get("api/dead?name=story");
  expect([groups.length, looked, more]).toEqual([1, 1, false]);
  expect(groups[0]).toMatchObject({
    name: "story",
    count: 1,
    ids: [dead],
    error: { message: "no mailbox 7" },
  });
  expect((await get("api/schedules")).schedules).toMatchObject([
    { name: "nightly", cron: "0 3 * * *", job: { name: "story" }, nextSlot: expect.any(String) },
  ]);
  expect((await get("api/workers")).workers).toMatchObject([{ state: "running", jobs: [] }]);
  expect((await get("api/doctor")).looked.length).toBeGreaterThan(3);

  // What may be secret was in none of them, and is answered where it is asked for.
  for (const [path, text] of Object.entries(answers))
    expect([path, text.includes(secret)]).toEqual([path, false]);
  const values = (await board.get(`api/jobs/${done}/values`)).body;
  expect(values.payload).toEqual({ kind: "json", text: `{\n  "card": "${secret}"\n}`, cut: false });
  expect(values.result.text).toContain(secret);
  expect(values.headers.text).toContain(secret);
  expect(values.steps).toEqual([{ position: 1, result: expect.objectContaining({ kind: "json" }) }]);
  expect((await board.get(`api/jobs/${waits}/values`)).body.result).toEqual({ kind: "none" });
  expect((await board.get("api/schedules/values?name=nightly")).body.payload.text).toContain(secret);
  expect(board.log).toEqual([]);
});

test("a page that is seen, and on which nothing happens, costs at most one statement a second", async () => {
  const board = await testBoard();
  const id = await board.add("story");
  for (const [path, everyMs] of Object.entries(looks)) {
    if (everyMs === null) continue;
    board.statements.length = 0;
    // A filter that costs the most.
    const { status } = await board.get(
      `${path.replace(":id", id)}${path === "api/jobs" ? "?name=story" : ""}`,
    );
    expect([path, status]).toEqual([path, 200]);
    expect(board.statements.length).toBeGreaterThan(0);
    expect([path, (board.statements.length * 1_000) / everyMs <= 1]).toEqual([path, true]);
  }
  // Others who ask at that moment cost nothing, and what is no news is not sent.
  board.statements.length = 0;
  const together = await Promise.all(Array.from({ length: 5 }, () => board.get("api/dead?queue=q")));
  expect(board.statements).toHaveLength(1);
  const [{ headers }] = together as [(typeof together)[0]];
  const again = await board.get("api/dead?queue=q", { "if-none-match": headers.get("etag")! });
  expect([again.status, again.text]).toEqual([304, ""]);
});

test("a filter that matches rarely is looked for among so many jobs, and the answer says how to go on", async () => {
  const board = await testBoard();
  const old = await board.add("rare");
  // Ids that are gone cost nothing.
  await board.query("select setval(pg_get_serial_sequence('pillion.job', 'id'), 350000)");
  await board.query(
    "insert into pillion.job (queue, name, payload) select 'default', 'common', '1' from generate_series(1, 101000)",
  );
  let page = (await board.get("api/jobs?name=rare")).body;
  expect(page).toMatchObject({ jobs: [], complete: false, backTo: expect.any(String) });
  let looked = page.looked;
  while (page.jobs.length === 0) {
    expect([page.complete, page.looked <= 100_000]).toEqual([false, true]);
    page = (await board.get(`api/jobs?name=rare&before=${page.next}`)).body;
    looked += page.looked;
  }
  expect(page.jobs.map(({ id }: { id: string }) => id)).toEqual([old]);
  expect([page.next, page.complete, looked]).toEqual([null, true, 101_001]);
  // Of those that are dead, only such are gone through.
  expect((await board.get("api/jobs?state=dead&name=rare")).body).toEqual({
    jobs: [],
    next: null,
    complete: true,
    looked: 0,
    backTo: null,
  });
});

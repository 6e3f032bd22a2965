import type { Socket } from "node:net";
import { defineJob, type } from "@pillion/core";
import { createClaimer, createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { proxyTo, silencingProxy, withQuery } from "./proxies.ts";
import { listeningLogger, type TestQueue, testQueue, until } from "./queue.ts";

/**
 * It breaks once: when the answer to the first statement with this text comes back, both ends are cut off instead.
 * What the statement did is then committed, and nobody was told.
 */
async function breakingProxy(url: string, text: string) {
  const proxy = { url: "", broken: false };
  proxy.url = await proxyTo(url, (client, upstream, cut) => {
    let breaks = false;
    client.on("data", (chunk) => {
      breaks ||= !proxy.broken && chunk.includes(text);
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (!breaks) return void client.write(chunk);
      proxy.broken = true;
      cut();
    });
  });
  return proxy;
}

/** The answer to the first statement with this text comes late: after so many beats on other connections. */
async function slowProxy(url: string, text: string, beats: number) {
  const proxy = { url: "", beats: 0, cut: () => slow?.destroy() };
  const late: Buffer[] = [];
  let slow: Socket | undefined;
  proxy.url = await proxyTo(url, (client, upstream) => {
    client.on("data", (chunk) => {
      if (chunk.includes(text)) slow ??= client;
      upstream.write(chunk);
    });
    let beating = false;
    client.on("data", (chunk) => {
      beating = slow !== undefined && chunk.includes(".tick(");
    });
    upstream.on("data", (chunk) => {
      if (client === slow && proxy.beats < beats) return void late.push(chunk);
      client.write(chunk);
      if (beating && ++proxy.beats === beats) for (const answer of late) slow?.write(answer);
      beating = false;
    });
  });
  return proxy;
}

const slow = defineJob({ name: "slow", payload: type<number>() });

/** A worker for the slow jobs on this way to the server, or on another. */
async function workThrough(url: string, schema: string, options: Partial<WorkerOptions> = {}) {
  const logger = listeningLogger();
  const handlers = [handle(slow, () => {})];
  const worker = createWorker({ database: url, schema, handlers, pollMs: 50, logger, ...options });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  return logger;
}

const outcomes = async (queue: TestQueue, id: string) =>
  (await queue.admin.job(id))!.attempts.map(({ outcome }) => outcome);

test("jobs whose claim was committed, but whose answer was lost on the way, run, and no attempt is counted for it", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await breakingProxy(queue.url, ".step(");
  const ids = [await queue.add("slow", 1), await queue.add("slow", 2)];
  const logger = await workThrough(proxy.url, queue.schema, { leaseMs: 600 });
  for (const id of ids) await queue.reaches(id, "completed");
  expect(proxy.broken).toBe(true);
  for (const id of ids) {
    expect((await queue.admin.job(id))!.attempt).toBe(1);
    expect(await outcomes(queue, id)).toEqual(["released", "completed"]);
  }
  expect(logger.lines).toContainEqual(expect.stringContaining("handed back 2 jobs"));
});

test("jobs whose claim is answered after many beats are not taken for lost: each runs once", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await slowProxy(queue.url, ".step(", 6);
  const ids = [await queue.add("slow", 1), await queue.add("slow", 2)];
  const logger = await workThrough(proxy.url, queue.schema, { pollMs: 20 });
  for (const id of ids) await queue.reaches(id, "completed");
  expect(proxy.beats).toBeGreaterThanOrEqual(6);
  for (const id of ids) expect(await outcomes(queue, id)).toEqual(["completed"]);
  expect(logger.lines.filter((line) => line.includes("handed back"))).toEqual([]);
});

test("jobs whose claim is not answered for a whole lease, by a connection that is silent, run elsewhere", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await slowProxy(queue.url, ".step(", Number.POSITIVE_INFINITY);
  const ids = [await queue.add("slow", 1), await queue.add("slow", 2)];
  const logger = await workThrough(proxy.url, queue.schema, { leaseMs: 600 });
  await until(
    async () => (await queue.query("select from pillion.attempt where outcome = 'released'")).length === 2,
  );
  await workThrough(queue.url, queue.schema);
  for (const id of ids) await queue.reaches(id, "completed");
  for (const id of ids) expect(await outcomes(queue, id)).toEqual(["released", "completed"]);
  expect(logger.lines).toContainEqual(expect.stringContaining("handed back 2 jobs"));
  proxy.cut();
});

test("a worker whose connections have all fallen silent opens others and goes on", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await silencingProxy(queue.url);
  await workThrough(withQuery(proxy.url, "query_timeout", "1000"), queue.schema, { leaseMs: 2_000 });
  await queue.reaches(await queue.add("slow", 1), "completed");
  proxy.silence();
  // By the beat of its own connection, and by claims and completions of the others.
  for (let index = 0; index < 3; index++) await queue.reaches(await queue.add("slow", index), "completed");
});

test("complete resolves where its answer was lost on the way: what is written is found", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await breakingProxy(queue.url, "told once");
  const told = defineJob({ name: "told", payload: type<null>(), result: type<string>() });
  const id = await queue.add("told");
  const { schema } = queue;
  const claimer = createClaimer({ database: proxy.url, schema, jobTypes: [told], logger: false });
  onTestFinished(() => claimer.stop());
  const [job] = await claimer.claim();
  await claimer.complete(job!, "told once");
  expect(proxy.broken).toBe(true);
  expect(await queue.admin.job(id)).toMatchObject({ state: "completed", result: "told once" });
});

test("jobs that a claim took, whose answer was lost on the way, are claimed again, and no attempt is counted for it", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await breakingProxy(queue.url, ".step(");
  const id = await queue.add("slow", 1);
  const { schema } = queue;
  const claimer = createClaimer({ database: proxy.url, schema, jobTypes: [slow], logger: false });
  onTestFinished(() => claimer.stop());
  await expect(claimer.claim()).rejects.toThrow();
  expect(proxy.broken).toBe(true);
  // The second beat after it believes that nobody will answer.
  const jobs = [...(await claimer.claim()), ...(await claimer.claim())];
  expect(jobs).toMatchObject([{ id, attempt: 1 }]);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { builtProgram } from "@pillion/dev-program";
import { expect, test } from "vitest";
import { claimShop } from "./claimers.ts";
import { until } from "./queue.ts";

const plain = defineJob({ name: "plain", payload: type<null>(), result: type<string>() });

test("a job that is extended stays with its claimer for many leases", async () => {
  const { queue, claimer, work } = await claimShop();
  const hand = claimer([plain], { leaseMs: 1_000 });
  const id = await queue.add("plain");
  const [job] = await hand.claim();
  const ran: string[] = [];
  await work([handle(plain, ({ id }) => void ran.push(id) as never)]);
  await until(async () => {
    await hand.extend(job!);
    const [row] = await queue.query(
      "select claimed_at < now() - interval '2.5 s' as long from pillion.batch where worker = (select min(id) from pillion.worker)",
    );
    return row!.long!;
  });
  await hand.complete(job!, "mine");
  expect(await queue.admin.job(id)).toMatchObject({ state: "completed", attempt: 1, result: "mine" });
  expect(ran).toEqual([]);
});

test("a job that is not extended runs elsewhere, and whatever its claimer says then is refused by name", async () => {
  const { queue, claimer, work } = await claimShop();
  const hand = claimer([plain], { leaseMs: 200 });
  const ids = [await queue.add("plain"), await queue.add("plain"), await queue.add("plain")];
  const jobs = await hand.claim({ limit: 3 });
  await work([handle(plain, () => "theirs")]);
  for (const id of ids) await queue.reaches(id, "completed");
  const lost = (id: string) => ({
    code: "LEASE_LOST",
    message: expect.stringContaining(`job ${id} "plain"`),
  });
  await expect(hand.complete(jobs[0]!, "mine")).rejects.toMatchObject(lost(ids[0]!));
  await expect(hand.fail(jobs[1]!, new Error("mine"))).rejects.toMatchObject(lost(ids[1]!));
  await expect(hand.extend(jobs[2]!)).rejects.toMatchObject(lost(ids[2]!));
  expect(jobs[2]!.signal.reason).toMatchObject({ code: "LEASE_LOST" });
  // And it stays so.
  await expect(hand.release(jobs[0]!)).rejects.toMatchObject(lost(ids[0]!));
  await expect(hand.complete(jobs[2]!)).rejects.toMatchObject(lost(ids[2]!));
  for (const id of ids) {
    const { state, result, attempts } = (await queue.admin.job(id))!;
    expect({ state, result }).toEqual({ state: "completed", result: "theirs" });
    expect(attempts[0]).toMatchObject({ attempt: 1, outcome: "lost" });
  }
});

test("a job that somebody cancels while it is held is cancelled at the next beat, and extend says so", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const id = await queue.add("plain");
  const [job] = await hand.claim();
  await queue.admin.cancel(id);
  await expect(hand.extend(job!)).rejects.toMatchObject({ code: "JOB_CANCELLED" });
  expect(job!.signal.reason).toMatchObject({ code: "JOB_CANCELLED" });
  await queue.reaches(id, "cancelled");
  await expect(hand.complete(job!)).rejects.toMatchObject({ code: "JOB_CANCELLED" });
});

test("a claim renews the lease of all that is held", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const beat = async () =>
    (await queue.query("select heartbeat_at::text as at from pillion.worker"))[0]!.at! as string;
  await hand.claim();
  const before = await beat();
  await hand.claim();
  expect((await beat()) > before).toBe(true);
});

test("jobs of a claimer that is killed run elsewhere once its lease is over, and the lost attempt is on record", async () => {
  const { queue, work } = await claimShop();
  const id = await queue.add("plain");
  const program = await builtProgram(new URL("./claiming-child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, queue.url, queue.schema], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(child.stdout, "data");
  expect(String(said)).toBe(`claimed ${id}\n`);
  child.kill("SIGKILL");
  await once(child, "exit");
  await work([handle(plain, () => "theirs")]);
  await queue.reaches(id, "completed");
  const { attempts } = (await queue.admin.job(id))!;
  expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "lost"],
    [2, "completed"],
  ]);
});

test("a job whose workers fell silent before is claimed alone, and its start is on record before it is answered", async () => {
  const { queue, claimer } = await claimShop();
  const hand = claimer([plain]);
  const ids = [await queue.add("plain"), await queue.add("plain"), await queue.add("plain")];
  await queue.query("update pillion.job set lost = 2, attempt = 2 where id = $1", [ids[0]]);
  const others = await hand.claim({ limit: 10 });
  expect(others.map(({ id }) => id)).toEqual(ids.slice(1));
  expect(await hand.claim({ limit: 10 })).toEqual([]);
  for (const job of others) await hand.complete(job);
  const more = await queue.add("plain");
  const alone = await hand.claim({ limit: 10 });
  expect(alone).toMatchObject([{ id: ids[0], attempt: 3 }]);
  expect(await queue.query("select id::text, prefetched from pillion.job where state = 'running'")).toEqual([
    { id: ids[0], prefetched: false },
  ]);
  expect(await hand.claim({ limit: 10 })).toEqual([]);
  await hand.complete(alone[0]!);
  expect(await hand.claim({ limit: 10 })).toMatchObject([{ id: more }]);
});

test("limits of the queue hold over claimers and workers, and each end makes room", async () => {
  const { queue, claimer } = await claimShop();
  await queue.admin.setQueue("default", { concurrency: 2 });
  for (let index = 0; index < 5; index++) await queue.add("plain");
  const [one, other] = [claimer([plain]), claimer([plain])];
  const held = [...(await one.claim({ limit: 1 })), ...(await other.claim({ limit: 5 }))];
  expect(held).toHaveLength(2);
  expect(await one.claim({ limit: 5 })).toEqual([]);
  await one.complete(held[0]!);
  expect(await one.claim({ limit: 5 })).toHaveLength(1);
  expect(await other.claim({ limit: 5 })).toEqual([]);
});

test("in strict order a key's next job is claimed only once the one before has ended", async () => {
  const { queue, claimer } = await claimShop();
  await queue.admin.setQueue("default", { fifo: true });
  const [first, second, elsewhere] = [
    await queue.add("plain", null, { partitionKey: "a" }),
    await queue.add("plain", null, { partitionKey: "a" }),
    await queue.add("plain", null, { partitionKey: "b" }),
  ];
  const hand = claimer([plain]);
  const held = await hand.claim({ limit: 10 });
  expect(held.map(({ id }) => id).sort()).toEqual([first, elsewhere].sort());
  const head = held.find(({ id }) => id === first)!;
  expect(head.partitionKey).toBe("a");
  await hand.fail(head, new Error("again"), { delayMs: 0 });
  const [again] = await hand.claim({ limit: 10 });
  expect(again).toMatchObject({ id: first, attempt: 2 });
  await hand.complete(again!);
  expect(await hand.claim({ limit: 10 })).toMatchObject([{ id: second }]);
});

test("a claimer does what is due for all: scheduled jobs become ready, silent workers' jobs too", async () => {
  const { queue, claimer } = await claimShop();
  const silent = claimer([plain], { leaseMs: 50 });
  const lost = await queue.add("plain");
  await silent.claim();
  const due = await queue.add("plain", null, { delayMs: 10 });
  const hand = claimer([plain]);
  const ids: string[] = [];
  await until(async () => {
    ids.push(...(await hand.claim({ limit: 10 })).map(({ id }) => id));
    return ids.length === 2;
  });
  expect(ids.sort()).toEqual([lost, due].sort());
});

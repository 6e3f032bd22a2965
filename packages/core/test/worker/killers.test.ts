import { spawn } from "node:child_process";
import { once } from "node:events";
import { builtProgram } from "@pillion/dev-program";
import { expect, onTestFinished, test } from "vitest";
import { workshop } from "./workers.ts";

test("a job that kills its worker every time ends dead alone: the 299 others run, and a crash counts only for jobs that had a slot", async () => {
  const { queue, ended } = await workshop();
  await queue.query(
    "select pillion.enqueue('harmless', to_jsonb(i), '{\"maxAttempts\": 2}') from generate_series(1, 150) i",
  );
  const killer = await queue.add("killer", null, { maxAttempts: 3 });
  await queue.query(
    "select pillion.enqueue('harmless', to_jsonb(i), '{\"maxAttempts\": 2}') from generate_series(151, 299) i",
  );
  const program = await builtProgram(new URL("./killed-worker.ts", import.meta.url));
  // Each process is followed by another, until one has outlived all the jobs.
  for (let workers = 0; (await ended()) < 300; workers++) {
    expect(workers).toBeLessThan(20);
    const child = spawn(process.execPath, [program, queue.url, queue.schema], {
      stdio: "ignore",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const stopping = setInterval(async () => {
      if ((await ended()) >= 300) child.kill("SIGTERM");
    }, 100);
    await once(child, "close");
    clearInterval(stopping);
  }
  expect(await ended("completed")).toBe(299);
  const dead = (await queue.admin.job(killer))!;
  expect(dead.state).toBe("dead");
  expect(dead.attempts.filter(({ outcome }) => outcome === "lost" || outcome === "dead")).toHaveLength(3);
  // A crash counts for jobs that had one of the ten slots, or had just had one; the others had been claimed ahead.
  const lost = await queue.query(
    "select worker, count(*)::int as n from pillion.attempts where outcome = 'lost' group by worker",
  );
  for (const { n } of lost) expect(n).toBeLessThanOrEqual(30);
  expect(await queue.query("select from pillion.archive where state = 'completed' and attempt > 2")).toEqual(
    [],
  );
});

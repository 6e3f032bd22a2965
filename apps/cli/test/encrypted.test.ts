import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { aesGcm } from "@pillion/core/encryption";
import { createWorker, handle } from "@pillion/core/worker";
import { expect, onTestFinished, test } from "vitest";
import { emptyQueue } from "./seeded.ts";

test("an encrypted job is shown as encrypted, with the id of its key: payload, result, steps and errors", async () => {
  const secret = "hunter2";
  const queue = await emptyQueue();
  onTestFinished(() => queue.drop());
  const { pool, schema } = queue;
  const jobType = defineJob({
    name: "login",
    payload: type<string>(),
    maxAttempts: 1,
    codec: aesGcm({ current: "2026-11", keys: { "2026-11": Buffer.alloc(32, 1) } }),
  });
  const { id } = await createAdmin({ database: pool, schema }).enqueue(jobType(secret));
  const run = async (job: Parameters<Parameters<typeof handle<string, string, unknown>>[1]>[0]) => {
    await job.step("look", () => job.payload);
    throw new Error(`no user has ${job.payload}`);
  };
  const worker = createWorker({ database: pool, schema, logger: false, handlers: [handle(jobType, run)] });
  expect(await worker.runOnce()).toMatchObject({ failed: 1 });
  const people = await queue.run("job", id, "--payload");
  expect(people.stdout).toMatch(/^payload +encrypted with key 2026-11$/m);
  expect(people.stdout).toContain("Error: (what it says is encrypted with the job)");
  for (const args of [
    ["job", id, "--json", "--payload"],
    ["jobs", "--payload"],
    ["job", id],
  ]) {
    const { stdout, exitCode } = await queue.run(...args);
    expect({ args, exitCode }).toEqual({ args, exitCode: 0 });
    expect(stdout).toMatch(/2026-11/);
    expect(stdout + people.stdout).not.toContain(secret);
  }
});

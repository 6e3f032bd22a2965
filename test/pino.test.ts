import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { pino } from "pino";
import { expect, inject, onTestFinished, test } from "vitest";
import { until } from "../packages/core/test/worker/queue.ts";

test("a worker logs through pino: what fails is a warning, what is dead an error, and no line holds a payload", async () => {
  const { url, drop } = await scratchDatabase(inject("databaseUrl"), "pino");
  onTestFinished(drop);
  await migrate({ database: url });
  const admin = createAdmin({ database: url });
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ name: "worker" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const charge = defineJob({ name: "charge", payload: type<string>() });
  const worker = createWorker({
    database: url,
    handlers: [
      handle(charge, ({ attempt }) => {
        if (attempt === 1) throw new RetryError({ delayMs: 0 });
        throw new DiscardError("the card has expired");
      }),
    ],
    pollMs: 20,
    logger,
  });
  onTestFinished(async () => {
    await worker.stop();
    await admin.close();
  });
  await worker.start();
  const { id } = await admin.enqueue(charge("4242 4242 4242 4242"));
  await until(async () => (await admin.job(id))?.state === "dead");
  await until(() => lines.length === 2);
  const ofJob = (text: string) => expect.stringMatching(new RegExp(`job ${id} .*"charge".*${text}`));
  const { warn, error } = logger.levels.values;
  expect(lines).toMatchObject([
    { name: "worker", level: warn, msg: ofJob("RetryError") },
    { name: "worker", level: error, msg: ofJob("the card has expired") },
  ]);
  expect(JSON.stringify(lines)).not.toContain("4242");
});

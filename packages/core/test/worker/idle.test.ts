import { type Database, defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { test } from "vitest";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

test("a worker that polls alone, and has had nothing to do for a while, sends its beat and nothing else; the beat finds the next job", async () => {
  const { queue, work } = await workshop();
  const sent: string[] = [];
  const database: Database = {
    name: "watched pool",
    run: async ({ text, values }) => {
      sent.push(text);
      return (await queue.pool.query(text, [...values])).rows;
    },
  };
  const noop = defineJob({ name: "noop", payload: type<null>() });
  await work([handle(noop, () => {})], { database, listen: false, pollMs: 20 });
  const idle = () =>
    until(() => sent.length > 50 && sent.slice(-50).every((text) => text.includes(".tick(")));
  await idle();
  await queue.reaches(await queue.add("noop"), "completed");
  await queue.reaches(await queue.add("noop", null, { partitionKey: "k" }), "completed");
  await idle();
});

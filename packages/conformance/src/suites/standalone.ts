import assert from "node:assert/strict";
import { accepted, refusal } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { silently } from "./refusals.ts";

const cases: Case[] = [
  {
    name: "enqueueStandalone commits its job by itself, with a key or without",
    async run(context) {
      const type = context.jobType();
      const { client } = await context.connection();
      const first = await accepted(context.verbs.enqueueStandalone(client, type(1)), "a plain job");
      assert.deepEqual(
        (await context.reader.jobs(type.name)).map((job) => [job.id, job.payload]),
        [[first.id, "1"]],
        "jobs that exist",
      );
      const keyed = type(2, { uniqueKey: "k" });
      const second = await accepted(context.verbs.enqueueStandalone(client, keyed), "a job with a key");
      const third = await accepted(context.verbs.enqueueStandalone(client, keyed), "a job whose key is held");
      assert.deepEqual([third.id, third.created], [second.id, false], "id and created of the duplicate");
      assert.equal((await context.reader.jobs(type.name)).length, 2, "jobs that exist");
    },
  },
  {
    name: "enqueueStandalone refuses an open transaction before anything is sent",
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      await silently(wire, "a refused enqueueStandalone", async () => {
        await refusal(
          context.verbs.enqueueStandalone(open.tx, type(null)),
          "INVALID_CONFIGURATION",
          "enqueueStandalone accepted a transaction",
        );
      });
      await open.commit();
      assert.equal((await context.reader.jobs(type.name)).length, 0, "jobs that exist");
    },
  },
];

/** Who wants a job outside any transaction says so by name. */
export const standalone: Suite = { name: "standalone", cases: () => cases };

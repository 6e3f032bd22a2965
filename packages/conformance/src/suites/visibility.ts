import assert from "node:assert/strict";
import { enqueueInEveryForm } from "../forms.ts";
import type { Suite } from "../suite.ts";

/** Before COMMIT a job is the transaction's own affair; after it, everybody's. */
export const visibility: Suite = {
  name: "visibility",
  cases: () => [
    {
      name: "no other session sees a job before COMMIT, and each sees it after",
      async run(context) {
        const type = context.jobType();
        const open = await context.open(await context.connection());
        const made = await enqueueInEveryForm(context.verbs, open.tx, type);
        const before = await context.reader.jobs(type.name);
        assert.equal(before.length, 0, "another connection sees a job before COMMIT");
        await open.commit();
        const after = await context.reader.jobs(type.name);
        assert.equal(after.length, made, "another connection does not see every job after COMMIT");
      },
    },
    {
      name: "the transaction sees its own jobs at once, written by itself",
      async run(context) {
        const type = context.jobType();
        const open = await context.open(await context.connection());
        const made = await enqueueInEveryForm(context.verbs, open.tx, type);
        const own = await context.harness.execute(
          open.tx,
          `select count(*)::text as jobs from "${context.place.jobs}".job
           where name = '${type.name}' and enqueued_xid = pg_current_xact_id()`,
        );
        assert.equal(own[0]!.jobs, String(made), "the transaction does not see the jobs it has enqueued");
        await open.commit();
      },
    },
  ],
};

import assert from "node:assert/strict";
import { enqueueInEveryForm, jobsOfEveryForm } from "../forms.ts";
import type { Case, Suite } from "../suite.ts";

const levels = ["read committed", "repeatable read", "serializable"] as const;

const cases = levels.map(
  (isolationLevel): Case => ({
    name: `at ${isolationLevel} jobs commit and roll back with their transaction`,
    serializable: isolationLevel === "serializable",
    async run(context) {
      const [kept, undone] = [context.jobType(), context.jobType()];
      const connection = await context.connection();
      const leaving = await context.open(connection, { isolationLevel });
      await enqueueInEveryForm(context.verbs, leaving.tx, undone);
      const staying = await context.open(connection, { isolationLevel });
      const [level] = await context.harness.execute(
        staying.tx,
        "select current_setting('transaction_isolation') as level",
      );
      assert.equal(level!.level, isolationLevel, "the harness opened another isolation level");
      await context.harness.insertOrder(staying.tx, context.order());
      await enqueueInEveryForm(context.verbs, staying.tx, kept);
      await staying.commit();
      await leaving.rollback();
      assert.equal((await context.reader.jobs(kept.name)).length, jobsOfEveryForm, "jobs after COMMIT");
      assert.equal((await context.reader.jobs(undone.name)).length, 0, "jobs after ROLLBACK");
    },
  }),
);

/** Every isolation level of Postgres is one to enqueue in. */
export const isolation: Suite = { name: "isolation levels", cases: () => cases };

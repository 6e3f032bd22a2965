import assert from "node:assert/strict";
import type { Enqueued } from "@pillion/core";
import type { AnyJob, Context, OpenTransaction } from "../context.ts";
import { accepted } from "../expect.ts";
import type { Case, Suite } from "../suite.ts";
import { committed, key } from "./committed-key.ts";

/** A transaction whose enqueue waits for somebody else's. */
async function waiting(
  context: Context,
  type: AnyJob,
): Promise<{ open: OpenTransaction; answer: Promise<Enqueued> }> {
  const open = await context.open(await context.connection());
  const answer = context.verbs.enqueue(open.tx, type(null, key));
  answer.catch(() => {});
  await context.reader.untilBlocked(open.pid);
  return { open, answer };
}

/** What happens to the holder while a second enqueue waits for its row. */
const fates = [
  {
    fate: "starts",
    sql: "update job set state = 'running', attempt = 1, started_at = now() where id = $1",
  },
  { fate: "ends or is cancelled", sql: "delete from job where id = $1" },
];

const changes = fates.flatMap(({ fate, sql }): Case[] =>
  (["commit", "rollback"] as const).map((end) => ({
    name:
      end === "commit"
        ? `where the holder ${fate} while the second waits, the second makes a job of its own`
        : `where the holder almost ${fate} while the second waits, the second is answered with it`,
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type);
      const rival = await context.reader.begin();
      context.after(() => rival.rollback());
      await rival.query(sql.replace("job", `${context.place.jobs}.job`), [first.id]);
      const { open, answer } = await waiting(context, type);
      await rival[end]();
      const second = await accepted(answer, "the second enqueue failed");
      await open.commit();
      assert.match(String(second.id), /^\d+$/, "the answer has no id");
      assert.equal(second.created, end === "commit", "created");
      assert.equal(second.id === first.id, end === "rollback", "the answer names the holder");
      const waits = (await context.reader.jobs(type.name)).filter((job) => job.state === "ready");
      assert.deepEqual(
        waits.map((job) => job.id),
        [second.id],
        "jobs that wait after the second's COMMIT",
      );
    },
  })),
);

const cases: Case[] = [
  {
    name: "a key whose holder commits is answered with that holder",
    async run(context) {
      const type = context.jobType();
      const winner = await context.open(await context.connection());
      const first = await context.verbs.enqueue(winner.tx, type(null, key));
      const { open, answer } = await waiting(context, type);
      await winner.commit();
      const second = await accepted(answer, "the second enqueue failed");
      await open.commit();
      assert.deepEqual([second.id, second.created], [first.id, false], "id and created");
      assert.equal((await context.reader.jobs(type.name)).length, 1, "jobs that exist");
    },
  },
  {
    name: "a key whose holder rolls back makes a job",
    async run(context) {
      const type = context.jobType();
      const winner = await context.open(await context.connection());
      await context.verbs.enqueue(winner.tx, type(null, key));
      const { open, answer } = await waiting(context, type);
      await winner.rollback();
      const second = await accepted(answer, "the second enqueue failed");
      await open.commit();
      assert.equal(second.created, true, "created");
      assert.deepEqual(
        (await context.reader.jobs(type.name)).map((job) => job.id),
        [second.id],
        "jobs that exist",
      );
    },
  },
  {
    name: "two batches with the same keys in opposite order do not deadlock",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const batch = (tx: object, names: string[]) =>
        context.verbs.enqueueMany(
          tx,
          names.map((uniqueKey) => type(null, { uniqueKey })),
        );
      // Somebody has the middle key, so that each batch comes as far as it can before the other goes on.
      const middle = await context.open(connection);
      await batch(middle.tx, ["b"]);
      const [one, other] = [await context.open(connection), await context.open(connection)];
      const up = batch(one.tx, ["a", "b", "c"]);
      up.catch(() => {});
      await context.reader.untilBlocked(one.pid);
      const down = batch(other.tx, ["c", "b", "a"]);
      down.catch(() => {});
      await context.reader.untilBlocked(other.pid);
      await middle.rollback();
      const first = await accepted(up, "the first batch failed");
      await one.commit();
      const second = await accepted(down, "the second batch failed");
      await other.commit();
      assert.deepEqual(
        second.map((answer) => answer.id),
        first.map((answer) => answer.id).reverse(),
        "ids of the second batch",
      );
    },
  },
];

/** Whoever wants a key that somebody is using waits, and the answer is true when it comes. */
export const contendedKeys: Suite = { name: "contended keys", cases: () => [...cases, ...changes] };

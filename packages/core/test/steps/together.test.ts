import { defineJob, type } from "@pillion/core";
import type { Database } from "@pillion/core/adapter";
import { type DurableJob, handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { workshop } from "../worker/workers.ts";

const story = defineJob({
  name: "story",
  payload: type<null>(),
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 0 },
});

/** Resolves for all once so many have come. */
function meeting(of: number): () => Promise<void> {
  let open = () => {};
  let come = 0;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    if (++come === of) open();
    await opened;
  };
}

/** So many jobs that run side by side in one worker, and what it sends. */
async function playTogether(
  jobs: number,
  run: (job: DurableJob<null>, shop: Awaited<ReturnType<typeof workshop>>["queue"]) => Promise<void>,
  prepare?: string,
) {
  const { queue, work } = await workshop();
  if (prepare) await queue.query(prepare);
  const ids: string[] = [];
  for (let job = 0; job < jobs; job++) ids.push(await queue.add("story"));
  const sent: string[] = [];
  const database: Database = {
    name: "pool that is listened to",
    async run({ text, values }) {
      sent.push(text);
      return (await queue.pool.query(text, [...values])).rows;
    },
  };
  await work([handle(story, (job) => run(job, queue))], { database, concurrency: jobs });
  return { queue, ids, recordings: () => sent.filter((text) => text.includes("checkpoints(")).length };
}

test("steps of jobs that run side by side are recorded together, each before the next of its job begins", async () => {
  const all = meeting(40);
  const stored: unknown[] = [];
  const { queue, ids, recordings } = await playTogether(40, async (job, queue) => {
    await all();
    for (const name of ["first", "second", "third"]) await job.step(name, () => name);
    stored.push(
      await queue.query("select name, result from pillion.checkpoint where job = $1 order by ordinal", [
        job.id,
      ]),
    );
  });
  for (const id of ids) await queue.reaches(id, "completed");
  const steps = ["first", "second", "third"].map((name) => ({ name, result: name }));
  expect(stored).toEqual(Array.from({ length: 40 }, () => steps));
  expect(recordings()).toBeLessThan(20);
});

test("a step that Postgres refuses is the failure of its own job, and of none that is recorded beside it", async () => {
  const all = meeting(20);
  let refused = "";
  const { queue, ids } = await playTogether(
    20,
    async (job) => {
      refused ||= job.id;
      if (job.attempt === 1) await all();
      await job.step(job.id === refused ? "refused" : "taken", () => {});
    },
    `create function pillion.refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = 'check_violation', message = 'not this one'; end $$;
     create trigger refuse before insert on pillion.checkpoint for each row when (new.name = 'refused') execute function pillion.refuse()`,
  );
  for (const id of ids) await queue.reaches(id, "completed", "dead");
  const records = await queue.query(
    "select id::text, attempt from pillion.archive where state = 'completed' and attempt = 1",
  );
  expect(records.map(({ id }) => id).toSorted()).toEqual(ids.filter((id) => id !== refused).toSorted());
  expect((await queue.admin.job(refused))!.error!.message).toContain("not this one");
});

test("of steps that are recorded together, one whose job another has is not, and one whose row is locked is once it is free", async () => {
  const [begun, go] = [meeting(4), meeting(4)];
  const { queue, ids } = await playTogether(3, async (job) => {
    await job.step("first", () => {});
    await begun();
    await go();
    // What was taken is nobody's, and so may be run again once it has been silent for long enough.
    if (job.attempt === 1) await job.step("second", () => {});
  });
  await begun();
  const [taken, locked, free] = ids as [string, string, string];
  await queue.query("update pillion.job set claim = claim + 1000000 where id = $1", [taken]);
  const other = await queue.pool.connect();
  await other.query("begin");
  await other.query(`select from ${queue.schema}.job where id = $1 for update`, [locked]);
  await go();
  await queue.reaches(free, "completed");
  const seconds = async () =>
    (await queue.query("select job::text as id from pillion.checkpoint where ordinal = 2 order by job")).map(
      ({ id }) => id,
    );
  expect(await seconds()).toEqual([free]);
  await other.query("rollback");
  other.release();
  await queue.reaches(locked, "completed");
  expect(await seconds()).toEqual([locked, free]);
});

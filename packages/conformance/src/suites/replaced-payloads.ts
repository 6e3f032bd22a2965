import assert from "node:assert/strict";
import type { EnqueueOptions } from "@pillion/core";
import type { Context } from "../context.ts";
import type { StoredJob } from "../reader.ts";
import type { Case } from "../suite.ts";
import { committed, key } from "./committed-key.ts";

const hourMs = 3_600_000;
const later = new Date("2099-12-31T23:59:59.000Z");

type Row = StoredJob & { readonly position: string };

async function stored(context: Context, id: string): Promise<Row> {
  const [{ name, position } = {}] = await context.reader.query(
    `select name, position::text from ${context.place.jobs}.job where id = $1`,
    [id],
  );
  const [job] = (await context.reader.jobs(name!)).filter((row) => row.id === id);
  return { ...job!, position: position! };
}

/** What the waiting job becomes: of one that is due in an hour, and of one that is ready. */
const modes: readonly {
  readonly onConflict: "debounce" | "throttle";
  readonly was: EnqueueOptions;
  readonly options: EnqueueOptions;
  readonly state: string;
  readonly says: string;
}[] = [
  {
    onConflict: "debounce",
    was: { delayMs: hourMs },
    options: {},
    state: "ready",
    says: "makes a scheduled job ready, if it says no run-at",
  },
  {
    onConflict: "debounce",
    was: {},
    options: { runAt: later, startBefore: new Date(later.getTime() + 1_000) },
    state: "scheduled",
    says: "puts a ready job off to its run-at",
  },
  {
    onConflict: "throttle",
    was: { delayMs: hourMs },
    options: {},
    state: "scheduled",
    says: "leaves a scheduled job when it is due",
  },
  {
    onConflict: "throttle",
    was: {},
    options: { runAt: later },
    state: "ready",
    says: "leaves a ready job ready",
  },
];

const replacing = modes.map(
  ({ onConflict, was, options, state, says }): Case => ({
    name: `${onConflict} ${says}, and gives it the new payload`,
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type, { ...key, ...was });
      const before = await stored(context, first.id);
      const connection = await context.connection();
      const answer = await connection.transaction((tx) =>
        context.verbs.enqueue(tx, type({ n: 2 }, { ...key, ...options, headers: { n: 2 }, onConflict })),
      );
      assert.deepEqual(answer, { id: first.id, created: false, state }, "the answer");
      const after = await stored(context, first.id);
      assert.deepEqual(
        { payload: after.payload, headers: after.headers, state: after.state },
        { payload: '{"n": 2}', headers: '{"n": 2}', state },
        "the waiting job after its replacement",
      );
      const moved = onConflict === "debounce";
      assert.equal(after.run_at !== before.run_at, moved, "whether run-at has moved");
      assert.equal(
        BigInt(after.position) > BigInt(before.position),
        moved,
        "whether it has taken a new position",
      );
      const asked = options.startBefore ? `${options.startBefore.getTime()}.000000` : null;
      assert.equal(after.start_before, moved ? asked : before.start_before, "start-before");
      if (moved && options.runAt)
        assert.equal(Number(after.run_at), options.runAt.getTime(), "the new run-at");
    },
  }),
);

const cases: Case[] = [
  {
    name: "a replaced payload is nobody's before COMMIT: not claimed, not seen, and a rollback leaves the old one",
    async run(context) {
      const type = context.jobType();
      const first = await committed(context, type, key);
      const before = await stored(context, first.id);
      for (const onConflict of ["debounce", "throttle"] as const) {
        const open = await context.open(await context.connection());
        await context.verbs.enqueue(open.tx, type(2, { ...key, onConflict }));
        assert.deepEqual(
          await context.reader.claimable(type.name),
          [],
          "claimable while it is being replaced",
        );
        assert.deepEqual(await stored(context, first.id), before, "the job before COMMIT");
        await open.rollback();
        assert.deepEqual(await stored(context, first.id), before, "the job after a rollback");
        assert.deepEqual(await context.reader.claimable(type.name), [first.id], "claimable after a rollback");
      }
    },
  },
  {
    name: "no payload is lost on a job that has started: a new job gets it",
    async run(context) {
      const type = context.jobType();
      const connection = await context.connection();
      const first = await committed(context, type, { ...key, uniqueUntil: "finished" });
      await context.reader.query(
        `update ${context.place.jobs}.job set state = 'running', attempt = 1, started_at = now() where id = $1`,
        [first.id],
      );
      const second = await connection.transaction((tx) =>
        context.verbs.enqueue(tx, type(2, { ...key, onConflict: "throttle" })),
      );
      assert.equal(second.created, true, "created");
      assert.notEqual(second.id, first.id, "the id");
      assert.equal((await stored(context, second.id)).payload, "2", "the payload of the new job");
      assert.equal(
        (await stored(context, first.id)).payload,
        "null",
        "the payload of the job that has started",
      );
    },
  },
  {
    name: "of one key in one batch the last payload wins, and the last debounce's run-at",
    async run(context) {
      const [fresh, held] = [context.jobType(), context.jobType()];
      const connection = await context.connection();
      const holder = await committed(context, held, key);
      const batch = (type: typeof fresh) => [
        type(1, key),
        type(2, { ...key, onConflict: "debounce", runAt: later }),
        type(3, { ...key, onConflict: "throttle" }),
        type(4, key),
      ];
      const answers = await connection.transaction((tx) =>
        context.verbs.enqueueMany(tx, [...batch(fresh), ...batch(held)]),
      );
      const id = answers[0]!.id;
      assert.deepEqual(
        answers.map((answer) => [answer.id, answer.created, answer.state]),
        [
          [id, true, "scheduled"],
          ...[1, 2, 3].map(() => [id, false, "scheduled"]),
          ...[1, 2, 3, 4].map(() => [holder.id, false, "scheduled"]),
        ],
        "ids, created and states of the batch",
      );
      for (const one of [id, holder.id]) {
        const job = await stored(context, one);
        assert.equal(job.payload, "3", "the payload that a batch leaves");
        assert.equal(Number(job.run_at), later.getTime(), "the run-at that a batch leaves");
      }
    },
  },
];

/** With `onConflict`, a waiting job gets the payload of the enqueue that leans on it, in that transaction. */
export const replacedPayloads: readonly Case[] = [...replacing, ...cases];

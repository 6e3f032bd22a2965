import assert from "node:assert/strict";
import { defineJob, type } from "@pillion/core";
import { createWorker, type WorkerOptions } from "@pillion/core/worker";
import type { AnyJob, Context } from "../context.ts";
import { accepted } from "../expect.ts";
import type { Connection } from "../harness.ts";
import type { Case, Suite } from "../suite.ts";
import { ended, enqueued } from "../working.ts";

/** Longer than any case may take: what runs then was found by no poll, and by no beat. */
const never = 3_600_000;

interface Shift {
  readonly connection: Connection<object, object>;
  readonly job: AnyJob;
  readonly lines: readonly string[];
  /** What it has said about its connections: other cases' jobs make it say more. */
  said(): string[];
  stop(): Promise<void>;
}

/** A worker on a client of the ORM, with a queue of its own; without `listen` where the adapter needs none. */
async function work(
  context: Context,
  run: (tx: object) => Promise<unknown> = async () => {},
  options: Partial<WorkerOptions> & {
    readonly poolSize?: number;
    readonly connect?: Context["connect"];
  } = {},
): Promise<Shift> {
  const { poolSize = 2, connect = context.connect, ...changed } = options;
  const { name } = context.jobType();
  const job = defineJob({ name, queue: name, payload: type<unknown>(), maxAttempts: 1 });
  const connection = await connect({ poolSize });
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  const worker = createWorker({
    database: context.verbs.database(connection.client),
    schema: context.place.jobs,
    handlers: [context.verbs.transactional(connection.client, job, run)],
    concurrency: poolSize,
    pollMs: never,
    leaseMs: never,
    logger: { error: note, warn: note, info: note },
    ...(!context.harness.traits.ownConnection && { listen: context.place.url }),
    ...changed,
  });
  context.after(() => worker.stop({ graceMs: 0 }));
  await accepted(worker.start(), "the worker's start");
  const said = () => lines.filter((line) => /connection/.test(line));
  return { connection, job, lines, said, stop: () => context.within("stop", worker.stop({ graceMs: 0 })) };
}

/** The backend of the connection on which the worker sleeps, so that a commit wakes it; not `but`. */
async function sleeper(context: Context, { job }: Shift, but = 0): Promise<number> {
  const text = `select l.pid from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and l.mode = 'ExclusiveLock' and l.pid <> $2
      and l.classid = '${context.place.jobs}.job'::regclass and l.objid = (hashtext($1)::bigint & 4294967295)
      and a.application_name = 'pillion worker (listen)'`;
  const values = [job.name, but];
  await context.reader.until("the worker sleeps on a connection of its own", text, values);
  return Number((await context.reader.query(text, values))[0]!.pid);
}

const cases: Case[] = [
  {
    name: "a commit wakes the worker, which sleeps on a connection beside the client's",
    async run(context) {
      const shift = await work(context);
      await sleeper(context, shift);
      const id = await enqueued(context, shift.job(null));
      await ended(context, id, "completed");
      assert.deepEqual(shift.said(), [], "what the worker says of its connections");
    },
  },
  {
    name: "handlers that hold every connection of the client for twice the lease lose no lease",
    async run(context) {
      const [poolSize, leaseMs] = [2, 4_000];
      let started = 0;
      let allStarted = () => {};
      const full = new Promise<void>((resolve) => {
        allStarted = resolve;
      });
      const shift = await work(
        context,
        async (tx) => {
          if (++started === poolSize) allStarted();
          await full;
          await context.harness.execute(tx, `select pg_sleep(${(2 * leaseMs) / 1_000})::text as slept`);
        },
        { poolSize, leaseMs },
      );
      // Somebody who takes the jobs of workers that are silent: each beat of a worker does.
      await work(context, undefined, { pollMs: 50, leaseMs: never });
      const ids: string[] = [];
      for (let index = 0; index < poolSize; index++) ids.push(await enqueued(context, shift.job(null)));
      const { jobs } = context.place;
      await context.reader.until(
        "the jobs have ended",
        `select from ${jobs}.archive where id = any ($1::bigint[]) having count(*) = $2`,
        [ids, poolSize],
      );
      assert.deepEqual(
        await context.reader.query(
          `select attempt::text, outcome from ${jobs}.attempts where job = any ($1::bigint[])`,
          [ids],
        ),
        ids.map(() => ({ attempt: "1", outcome: "completed" })),
        `attempts of jobs whose handlers took twice the lease: ${shift.lines.join(" | ")}`,
      );
    },
  },
  {
    name: "a worker whose own connection is killed opens another, and is woken on it",
    async run(context) {
      const shift = await work(context);
      const pid = await sleeper(context, shift);
      await context.reader.query("select pg_terminate_backend($1)", [pid]);
      await context.reader.untilGone(pid);
      await sleeper(context, shift, pid);
      const id = await enqueued(context, shift.job(null));
      await ended(context, id, "completed");
    },
  },
  {
    name: "a worker that stops closes its own connection, and leaves the client to the application",
    async run(context) {
      const shift = await work(context);
      const pid = await sleeper(context, shift);
      await shift.stop();
      await context.reader.untilGone(pid);
      const order = context.order();
      await accepted(
        shift.connection.transaction((tx) => context.harness.insertOrder(tx, order)),
        "a transaction of the client after its worker has stopped",
      );
      assert.equal(await context.reader.hasOrder(order.id), true, "the order");
    },
  },
  {
    name: "a worker whose client is closed before it signs off on its own connection, and stops",
    async run(context) {
      const { harness, place, reader } = context;
      const { url, schema } = place;
      // Closed by the case itself.
      const connect: Context["connect"] = () => harness.connect({ url, schema, poolSize: 2 });
      const shift = await work(context, undefined, { connect });
      const pid = await sleeper(context, shift);
      await shift.connection.close();
      await shift.stop();
      await reader.untilGone(pid);
      // One that opens again by itself must not be left so.
      await shift.connection.close().catch(() => {});
      assert.deepEqual(
        await reader.query(
          `select stopped_at is not null as stopped from ${place.jobs}.worker where queues = array[$1]`,
          [shift.job.name],
        ),
        [{ stopped: true }],
        `what the worker said: ${shift.lines.join(" | ")}`,
      );
    },
  },
  {
    name: "where a client does not tell how to open a connection beside it, the worker says once what to do",
    async run(context) {
      const said = (await work(context, undefined, { listen: undefined })).said();
      const expected = context.harness.traits.ownConnection ? 0 : 1;
      assert.equal(said.length, expected, `what the worker says of its connections: ${said.join(" | ")}`);
      for (const line of said) assert.match(line, /^`database` is a .+ Give `listen` /);
    },
  },
];

/** A worker on the application's own client beats and listens on a connection beside it. */
export const ownClient: Suite = { name: "own client", cases: () => cases };

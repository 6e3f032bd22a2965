import { defineTopic, type } from "@pillion/core";
import type { ClientBase } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OwnQueue, ownQueue } from "../own-queue.ts";

let queue: OwnQueue;
let waiting: string;
let ended: string;
beforeAll(async () => {
  queue = await ownQueue("verbs");
  const rows = await queue.query(
    "select id::text from generate_series(1, 2) n cross join lateral pillion.enqueue('held', to_jsonb(n))",
  );
  waiting = rows[0]!.id!;
  ended = rows[1]!.id!;
  await queue.query("select pillion.cancel($1)", [JSON.stringify({ ids: [ended] })]);
  await queue.query("insert into pillion.subscription values ('heard', 'held', 1, 'default', 0, 1)");
  await queue.query("select pillion.pause('paused')");
});
afterAll(() => queue.drop());

const topic = (name: string) => defineTopic({ name, payload: type<number>() });
type Act = (tx: ClientBase) => Promise<unknown>;

/** Each verb where it has something to do, and where it has not. */
const acts: Record<string, Act> = {
  "cancel of a job": (tx) => queue.verbs.cancel(tx, waiting),
  "cancel of nothing": (tx) => queue.verbs.cancel(tx, ended),
  "retry of a job": (tx) => queue.verbs.retry(tx, ended),
  "retry of nothing": (tx) => queue.verbs.retry(tx, waiting),
  "reschedule of a job": (tx) => queue.verbs.reschedule(tx, waiting, { delayMs: 1_000_000 }),
  "reschedule of nothing": (tx) => queue.verbs.reschedule(tx, ended, { runAt: new Date(0) }),
  "pause of a queue": (tx) => queue.verbs.pause(tx, "default"),
  "pause of a paused queue": (tx) => queue.verbs.pause(tx, "paused"),
  "resume of a queue": (tx) => queue.verbs.resume(tx, "paused"),
  "resume of a queue that is not paused": (tx) => queue.verbs.resume(tx, "default"),
  "publish to a subscriber": (tx) => queue.verbs.publish(tx, topic("heard"), 1),
  "publish to nobody": (tx) => queue.verbs.publish(tx, topic("unheard"), 1),
};
const names = Object.keys(acts);

/** All that a verb could change. */
const everything = () =>
  queue.query(`select (select json_agg(j order by id) from pillion.job j)::text as jobs,
    (select json_agg(a order by id) from pillion.archive a)::text as archive,
    (select json_agg(q order by name) from pillion.queue q)::text as queues,
    (select count(*) from pillion.guard)::text as guards`);

const refusal = (name: string) => ({
  code: "25P01",
  message: `pillion: ${name.split(" ")[0]} was not done, because the statement ran outside a transaction`,
  detail:
    "The handle was never in a transaction, or its transaction is over: the statement would have committed by itself.",
  hint:
    "Call it with the handle that the transaction callback received, and await it there; outside any transaction it is " +
    "for createAdmin, of @pillion/core/admin. Under SET CONSTRAINTS ALL IMMEDIATE, run SET CONSTRAINTS " +
    `${queue.schema}.transaction_guard DEFERRED first.`,
});

test.each(names)("%s: in autocommit the database refuses it, and nothing is changed", async (name) => {
  const client = await queue.connect();
  const before = await everything();
  await expect(acts[name]!(client)).rejects.toMatchObject(refusal(name));
  expect(await everything()).toEqual(before);
});

test.each(names)("%s: under SET CONSTRAINTS ALL IMMEDIATE the error names what mends it", async (name) => {
  const before = await everything();
  const tx = await queue.begin();
  await tx.query("set constraints all immediate");
  const error = (await acts[name]!(tx).catch((error: unknown) => error)) as { hint: string };
  expect(error).toMatchObject(refusal(name));
  await tx.query("rollback");
  expect(await everything()).toEqual(before);
  await tx.query("begin");
  await tx.query("set constraints all immediate");
  await tx.query(/run (SET CONSTRAINTS \S+ DEFERRED) first/.exec(error.hint)![1]!);
  await acts[name]!(tx);
  await tx.query("rollback");
});

test.each(["repeatable read", "serializable"])(
  "at %s every verb is taken, under odd settings of the session",
  async (isolation) => {
    const tx = await queue.begin({
      default_transaction_isolation: isolation,
      TimeZone: "Asia/Kathmandu",
      DateStyle: "German, DMY",
      search_path: "pg_catalog",
    });
    for (const name of names) await acts[name]!(tx);
    const [row] = await queue.query("select run_at from pillion.job where id = $1", [ended], tx);
    expect(row).toBeDefined();
    await tx.query("rollback");
  },
);

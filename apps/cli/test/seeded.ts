import { DiscardError, defineEvent, defineJob, type } from "@pillion/core";
import { createAdmin, schedule } from "@pillion/core/admin";
import { currentVersion, migrate } from "@pillion/core/migrate";
import { createWorker, handle } from "@pillion/core/worker";
import { scratchQueue } from "@pillion/dev-postgres";
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { pillion } from "./pillion.ts";

const sendMail = defineJob({
  name: "mail.send",
  payload: type<unknown>(),
  queue: "mail",
  backoff: { type: "fixed", delayMs: 0 },
});
const renderPage = defineJob({
  name: "page.render",
  payload: type<unknown>(),
  result: type<{ pdf: string }>(),
});
const loadRows = defineJob({ name: "rows.load", payload: type<unknown>(), queue: "uploads" });

export interface Seeded {
  /** The database's name. */
  readonly name: string;
  readonly url: string;
  readonly schema: string;
  /** The version of the schema. */
  readonly version: number;
  readonly pool: pg.Pool;
  /** Runs a command on this queue, and answers its output with what differs from run to run written as `<…>`. */
  run(...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }>;
  /** The same, with this on stdin. */
  answer(stdin: string, ...args: string[]): ReturnType<Seeded["run"]>;
  /** The arguments that lead here. */
  readonly place: readonly string[];
  /** Runs SQL in which the schema is written `pillion`. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** A queue of a test's own, in which nothing has happened. */
export async function emptyQueue(): Promise<Seeded> {
  const { name, url, schema, drop } = await scratchQueue(inject("databaseUrl"), "cli", migrate);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  const query: Seeded["query"] = async (text, values) =>
    (await pool.query(text.replaceAll(/\bpillion\./g, `"${schema}".`), values)).rows;
  const stable = (text: string) =>
    text
      .replaceAll(schema, "<schema>")
      .replaceAll(/"oldestReadyMs":\d+/g, '"oldestReadyMs":"<ms>"')
      .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+Z/g, (time) =>
        /^2026-01-02|^2030/.test(time) ? time : "<time>",
      );
  const place = ["--database", url, "--schema", schema];
  const answer: Seeded["answer"] = async (stdin, ...args) => {
    const { exitCode, stdout, stderr } = await pillion([...args, ...place], {}, stdin);
    return { exitCode, stdout: stable(stdout), stderr: stable(stderr) };
  };
  return {
    name,
    url,
    schema,
    version: currentVersion,
    pool,
    query,
    place,
    run: (...args) => answer("", ...args),
    answer,
    async drop() {
      await pool.end();
      await drop();
    },
  };
}

/**
 * A queue in which things have happened: a real worker has run its jobs. Their ids are the same each time, and so are their
 * times, which are moved to 2 January 2026 afterwards, a minute for each id.
 */
export async function seeded(): Promise<Seeded> {
  const queue = await emptyQueue();
  const { pool, schema, query } = queue;
  const admin = createAdmin({ database: pool, schema });

  // 1 completes, 2 fails twice and is dead, 3 is dead at once.
  await admin.enqueue(renderPage({ url: "https://shop.example/1" }, { headers: { tenant: "7" } }));
  await admin.enqueue(sendMail({ to: "ann@shop.example" }, { maxAttempts: 2, headers: { tenant: "7" } }));
  await admin.enqueue(sendMail({ to: "nobody@shop.example" }));
  const failure = () => {
    const error = new Error("smtp.example answers 451");
    error.stack = "Error: smtp.example answers 451\n    at deliver (mail.ts:12:9)\n    at run (mail.ts:40:3)";
    return error;
  };
  const worker = createWorker({
    database: pool,
    schema,
    logger: false,
    handlers: [
      handle(renderPage, async () => ({ pdf: "page.pdf" })),
      handle(sendMail, async ({ id }) => {
        if (id === "3") throw new DiscardError("the address is unknown");
        throw failure();
      }),
    ],
  });
  while ((await admin.job("2"))!.state !== "dead") await worker.runOnce();

  // 4 and 5 wait, 6 is for later, 7 was cancelled, 8 waits in a queue that is paused.
  await admin.enqueue(sendMail({ to: "bob@shop.example" }, { uniqueKey: "bob" }));
  await admin.enqueue(sendMail({ to: "cleo@shop.example" }, { priority: 2, headers: { tenant: "8" } }));
  await admin.enqueue(sendMail({ to: "dan@shop.example" }, { delayMs: 86_400_000 }));
  const { id } = await admin.enqueue(renderPage({ url: "https://shop.example/2" }));
  await admin.cancel(id);
  await admin.enqueue(loadRows({ file: "a.csv" }, { partitionKey: "tenant 7" }));
  await admin.pause("uploads");
  await admin.schedules.set(
    schedule({
      name: "daily report",
      cron: "0 7 * * MON-FRI",
      timeZone: "Europe/Berlin",
      job: renderPage({ url: "r" }),
    }),
  );
  await admin.schedules.set(schedule({ name: "stock", everyMs: 30_000, job: loadRows({ file: "stock" }) }));
  await admin.schedules.pause("stock");

  const moved = `timestamptz '2026-01-02 03:00Z' + id * interval '1 minute'`;
  await query(
    `update pillion.job set created_at = ${moved}, run_at = case state when 'scheduled' then timestamptz '2030-01-01Z' else statement_timestamp() - interval '125 minutes' end`,
  );
  await query(`update pillion.archive set created_at = ${moved}, run_at = ${moved}, started_at = case when started_at is not null then ${moved} + interval '1 second' end,
    finished_at = ${moved} + interval '3 seconds'`);
  await query(
    `update pillion.attempt set started_at = timestamptz '2026-01-02 03:02Z' - interval '8 seconds', finished_at = timestamptz '2026-01-02 03:02Z' - interval '7 seconds'`,
  );
  await query(
    "update pillion.queue set paused_at = timestamptz '2026-01-02 04:00Z' where paused_at is not null",
  );
  await query(
    "update pillion.schedule set paused_at = timestamptz '2026-01-02 04:00Z' where paused_at is not null",
  );
  await query("update pillion.worker set label = 'host:1234'");
  await admin.close();
  return queue;
}

/** A queue for the test that asks, which may change it. */
export async function ownQueue(make = seeded): Promise<Seeded> {
  const queue = await make();
  onTestFinished(() => queue.drop());
  return queue;
}

/** Beside what `queue` has: a job with steps, which waits for its child. Answers its id. */
export async function withSteps({ pool, schema, query }: Seeded): Promise<string> {
  const admin = createAdmin({ database: pool, schema });
  const fulfil = defineJob({ name: "order.fulfil", payload: type<unknown>(), queue: "orders" });
  const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
  const worker = createWorker({
    database: pool,
    schema,
    logger: false,
    handlers: [
      handle(fulfil, async (job) => {
        await job.step("charge", () => ({ receipt: "r-1" }));
        const { boxes } = await job.waitForEvent(packed("7"), { timeoutMs: 86_400_000 });
        await job.run(sendMail({ boxes }));
      }),
    ],
  });
  const { id } = await admin.enqueue(fulfil({ orderId: "7" }));
  const waiting = async (steps: number) => {
    while ((await admin.job(id))!.steps.length < steps) await worker.runOnce();
  };
  await waiting(2);
  await admin.emit(packed("7"), { boxes: 3 });
  await waiting(3);
  await admin.close();
  const at = "timestamptz '2026-01-02 05:00Z'";
  await query(`update pillion.checkpoint set began_at = ${at} + ordinal * interval '1 minute', until = until + (timestamptz '2030-01-01Z' - until),
    ended_at = case when ended_at is not null then ${at} + ordinal * interval '3 minutes' end`);
  await query(
    `update pillion.attempt a set started_at = ${at} + o.nth * interval '1 minute', finished_at = ${at} + o.nth * interval '61 seconds'
    from (select a.ctid, row_number() over (order by started_at) as nth from pillion.attempt a where job = $1) o where o.ctid = a.ctid and job = $1`,
    [id],
  );
  await query(`update pillion.job set created_at = ${at} where id >= $1`, [id]);
  await query("update pillion.worker set label = 'host:1234'");
  return id;
}

import { defineJob, type } from "@pillion/core";
import { handle, schedule } from "@pillion/core/worker";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { pgConnection } from "../../src/adapter/pg-connection.ts";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

const holding = defineJob({ name: "holding", payload: type<null>() });
const often = defineJob({ name: "often", payload: type<null>() });

test("the beat goes on while handlers hold the whole pool, and when its connection is killed, and so do schedules", async () => {
  // Ended when the worker on it has stopped.
  let close: (() => Promise<void>) | undefined;
  onTestFinished(() => close?.());
  const { queue, work } = await workshop();
  const pool = new pg.Pool({ connectionString: queue.url, max: 1 });
  pool.on("error", () => {});
  close = () => pool.end();
  let letGo = () => {};
  const mayEnd = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let held = false;
  const hold = handle(holding, async () => {
    const client = await pool.connect();
    held = true;
    await mayEnd;
    client.release();
  });
  const { logger } = await work([hold, handle(often, () => {})], {
    database: pool,
    schedules: [schedule({ name: "often", everyMs: 100, job: often(null) })],
  });
  onTestFinished(letGo);
  const id = await queue.add("holding");
  await until(() => held);

  const beatsOn = async () => {
    const [{ at }] = (await queue.query("select clock_timestamp()::text as at")) as [Record<string, never>];
    await until(
      async () =>
        (
          await queue.query(
            "select from pillion.worker where heartbeat_at > $1::timestamptz + interval '500 ms'",
            [at],
          )
        ).length === 1,
    );
  };
  const beating =
    "from pg_stat_activity where application_name = 'pillion worker (listen)' and datname = current_database()";
  await beatsOn();
  const [{ pid }] = (await queue.query(`select pid ${beating}`)) as [Record<string, never>];
  await queue.query("select pg_terminate_backend($1)", [pid]);
  await beatsOn();
  expect(await queue.query(`select pid ${beating}`)).toHaveLength(1);
  const fired = async () => (await queue.query("select from pillion.live where name = 'often'")).length;
  const before = await fired();
  await until(async () => (await fired()) > before + 3);

  letGo();
  await queue.reaches(id, "completed");
  // A beat that was under way when its connection was killed says so besides.
  const other = logger.lines.filter(
    (line) => !/^could not renew the lease, trying again: error: terminating connection/.test(line),
  );
  expect(other).toEqual([expect.stringContaining("no connection to listen on")]);
});

test("a connection beside a pool is opened by the pool's copy of pg, with what pg hides of its options", async () => {
  class OwnClient extends pg.Client {}
  const password = () => "secret";
  const pool = new pg.Pool({ host: "db", password, Client: OwnClient as typeof pg.Client });
  const { Client, options } = pgConnection(pool)!;
  expect(Client).toBe(OwnClient);
  expect(options).toMatchObject({ host: "db", password });
});

test("a connection beside a client is opened as that one was", async () => {
  const { Client, options } = pgConnection(
    new pg.Client("postgres://clerk:secret@db:6543/shop?application_name=web"),
  )!;
  expect(Client).toBe(pg.Client);
  expect(new Client!(options)).toMatchObject({
    host: "db",
    port: 6543,
    user: "clerk",
    database: "shop",
    password: "secret",
  });
});

test("`listen` is a URL, a pool or false", async () => {
  const { work } = await workshop();
  await expect(work([handle(often, () => {})], { listen: {} as never })).rejects.toThrow(/listen/);
});

import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/database.ts";
import { type Row, type StatementOf, sql } from "../../src/statement.ts";
import { toDatabase } from "../../src/worker/connect.ts";
import { Link } from "../../src/worker/link.ts";
import { SpareLink } from "../../src/worker/spare-link.ts";
import { until } from "./queue.ts";
import { workshop } from "./workers.ts";

const told = sql<undefined>`select current_setting('application_name') as by`;
const locked = sql<undefined>`select current_setting('application_name') as by, pg_advisory_xact_lock(7)::text as lock`;

/** A link over a pool of so many connections, and a spare one; what the pool has answered is kept. */
async function links(options: pg.PoolConfig) {
  const { queue } = await workshop();
  const pool = new pg.Pool({ connectionString: queue.url, application_name: "pool", ...options });
  const spare = new pg.Client({ connectionString: queue.url, application_name: "spare" });
  await spare.connect();
  onTestFinished(async () => {
    await pool.end();
    await spare.end();
  });
  const answered: string[] = [];
  const inner = toDatabase(pool);
  const database: Database = {
    ...inner,
    async run(statement) {
      const rows = await inner.run(statement);
      answered.push(statement.text);
      return rows;
    },
  };
  const link = new SpareLink(new Link(database, queue.schema), {
    connected: true,
    async run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
      const { text, values } = statement(input);
      return (await spare.query(text, [...values])).rows;
    },
  });
  return { queue, pool, link, answered };
}

test.each([0, 100])(
  "where all connections of the pool are held it runs on the spare one, with a pool that waits for %i ms",
  async (connectionTimeoutMillis) => {
    const { pool, link } = await links({ max: 1, connectionTimeoutMillis });
    expect(await link.run(told, undefined)).toEqual([{ by: "pool" }]);
    const holder = await pool.connect();
    expect(await link.run(told, undefined)).toEqual([{ by: "spare" }]);
    expect(await link.run(told, undefined)).toEqual([{ by: "spare" }]);
    holder.release();
    await until(async () => (await link.run(told, undefined))[0]!.by === "pool");
  },
);

test("one that has a connection and takes its time is waited for, and runs once", async () => {
  const { queue, link, answered } = await links({ max: 2 });
  const holder = await queue.pool.connect();
  await holder.query("select pg_advisory_lock(7)");
  const answer = link.run(locked, undefined);
  await until(() => answered.some((text) => text.includes("as one")));
  await holder.query("select pg_advisory_unlock(7)");
  holder.release();
  expect(await answer).toMatchObject([{ by: "pool" }]);
});

import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { PrismaClient, PrismaPg } from "../packages/prisma/test/prisma-7/index.ts";

// The tests that docs/testing.md shows, each on a database that they must leave as it was.

test.each(["pg", "drizzle", "kysely", "prisma", "typeorm"])(
  "the tests that the page on testing shows of %s pass, and leave nothing behind",
  async (orm) => {
    const { client, url } = await freshShop();
    vi.stubEnv("DATABASE_URL", url);
    onTestFinished(() => void vi.unstubAllEnvs());

    const { pool, ...tests } = await import(`./docs/testing-${orm}.ts`);
    onTestFinished(() => pool.end());
    pool.on?.("error", () => {});
    expect(Object.keys(tests)).toContain("checkOutIsAtomic");
    for (const test of Object.values(tests) as (() => Promise<void>)[]) await test();
    for (const table of ["orders", "invoices", "pillion.job", "pillion.archive", "pillion.attempt"])
      expect((await client.query(`select from ${table}`)).rowCount, table).toBe(0);
  },
);

test("on a transaction, Prisma's array form opens one of its own, and commits it", async () => {
  const { client, url } = await freshShop();
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  onTestFinished(() => prisma.$disconnect());
  const over = new Error("the test is over");
  const ran = prisma.$transaction(async (tx) => {
    await (tx as typeof prisma).$transaction([tx.order.create({ data: { id: "1", total: 30 } })]);
    throw over;
  });
  await expect(ran).rejects.toBe(over);
  expect((await client.query("select id from orders")).rows).toEqual([{ id: "1" }]);
});

/** A database with the shop's tables, empty, and the queue's. */
async function freshShop(): Promise<{ client: pg.Client; url: string }> {
  const database = await scratchDatabase(inject("databaseUrl"), "testing");
  onTestFinished(() => database.drop());
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  await client.query("create table orders (id text primary key, total integer not null, customer text)");
  await client.query("create table invoices (order_id text not null, total integer)");
  await migrate({ database: client });
  return { client, url: database.url };
}

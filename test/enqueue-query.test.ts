import { defineJob, InvalidConfigurationError, InvalidJobError, sqlStateOf, type } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import { configure } from "@pillion/prisma";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import * as prisma6 from "../packages/prisma/test/prisma-6/index.ts";
import * as prisma7 from "../packages/prisma/test/prisma-7/index.ts";

// The array form itself is held by the conformance suite; here is what is refused.

const url = inject("databaseUrl");
const pool = new pg.Pool({ connectionString: url });
const job = defineJob({ name: "invoice.send", payload: type<{ orderId: string }>() })({ orderId: "1" });
let schema: Awaited<ReturnType<typeof scratchSchema>>;

beforeAll(async () => {
  schema = await scratchSchema(url, "prisma");
  await migrate({ database: pool, schema: schema.name });
});
afterAll(async () => {
  await schema.drop();
  await pool.end();
});

const jobs = async () => (await pool.query(`select id from "${schema.name}".job`)).rows;

for (const [release, { PrismaClient, PrismaPg }] of [
  ["Prisma 6", prisma6 as unknown as typeof prisma7],
  ["Prisma 7", prisma7],
] as const) {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  afterAll(() => client.$disconnect());

  test(`${release}: enqueueQuery awaited by itself is refused by the database, and stores nothing`, async () => {
    const { enqueueQuery } = configure({ schema: schema.name });
    await expect(enqueueQuery(client, job)).rejects.toSatisfy((error) => sqlStateOf(error) === "25P01");
    expect(await jobs()).toEqual([]);
  });

  test(`${release}: enqueueQuery refuses a transaction, and a job that it cannot check at once`, async () => {
    const { enqueueQuery } = configure({ schema: schema.name });
    await client.$transaction(async (tx) => {
      expect(() => enqueueQuery(tx as never, job)).toThrow(InvalidConfigurationError);
    });
    const slow = defineJob({
      name: "invoice.check",
      payload: z.object({ orderId: z.string().refine(async () => true) }),
    });
    expect(() => enqueueQuery(client, slow({ orderId: "1" }))).toThrow(InvalidJobError);
    expect(() => enqueueQuery(client, { ...job, payload: { orderId: 1n } } as never)).toThrow(
      InvalidJobError,
    );
    expect(await jobs()).toEqual([]);
  });
}

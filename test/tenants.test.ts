import { randomBytes } from "node:crypto";
import type { Harness } from "@pillion/conformance";
import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { allHarnesses, newestReleases } from "./harnesses.ts";
import { pages } from "./pages.ts";

// Row level security with the policy that the page on tenants shows. Each client has one connection, as a role that no
// policy passes over, so that the transactions of all tenants come one behind the other on it.

const role = `pillion_tenants_${randomBytes(4).toString("hex")}`;
let database: Awaited<ReturnType<typeof scratchDatabase>>;
let pool: pg.Pool;
let url: string;
beforeAll(async () => {
  database = await scratchDatabase(inject("databaseUrl"), "tenants");
  pool = new pg.Pool({ connectionString: database.url });
  pool.on("error", () => {});
  await migrate({ database: database.url });
  const { blocks } = pages.find(({ path }) => path === "docs/tenants.md")!;
  const policies = blocks.filter(({ language }) => language === "sql").map(({ code }) => code);
  await pool.query("create table orders (id text primary key, total integer not null, customer text)");
  await pool.query(`create role ${role} login password 'only-for-these-tests' nobypassrls`);
  await pool.query(policies.join("\n"));
  await pool.query(`grant usage on schema public to ${role}; grant select, insert, update on orders to ${role};
    select pillion.allow('${role}', 'worker'), pillion.allow('${role}', 'enqueuer')`);
  const as = new URL(database.url);
  as.username = role;
  as.password = "only-for-these-tests";
  url = as.href;
});
afterAll(async () => {
  await pool.query(`drop owned by ${role}; drop role ${role}`);
  await pool.end();
  await database.drop();
});

/** One of each ORM. */
const harnesses = newestReleases(await allHarnesses()).filter(
  ({ orm }, index, all) => all.findIndex((other) => other.orm === orm) === index,
);
test("each ORM is here", () => {
  expect(harnesses.length).toBeGreaterThanOrEqual(5);
});

const backoff = { type: "fixed", delayMs: 1 } as const;
const tenantsOf = ["a", "b"] as const;

test.each(harnesses.map((harness): [string, Harness] => [harness.orm, harness]))(
  "two tenants' jobs on one connection see and write the rows of their own, and leave it no tenant: %s",
  async (orm, harness) => {
    const connection = await harness.connect({ url, schema: "public", poolSize: 1 });
    onTestFinished(() => connection.close());
    const verbs = harness.adapter.configure({
      setLocal: ({ headers }) => ({ "app.tenant": headers.tenant as string | undefined }),
    });
    const define = (name: string, maxAttempts = 20) =>
      defineJob({
        name: `${orm}.${name}`,
        queue: orm,
        payload: type<null>(),
        result: type<string[]>(),
        maxAttempts,
        backoff,
      });
    const [whole, parts, thief] = [define("whole"), define("parts"), define("thief", 1)];
    const write = (tx: object, id: string) =>
      harness.insertOrder(tx, { id: `${orm} ${id}`, total: 1, customer: null });
    const seen = async (tx: object) =>
      (await harness.execute(tx, "select distinct tenant from orders")).map(({ tenant }) => String(tenant));
    const worker = createWorker({
      database: database.url,
      pollMs: 20,
      concurrency: 4,
      logger: false,
      handlers: [
        verbs.transactional(connection.client, whole, async (tx, job) => {
          await write(tx, job.id);
          await harness.execute(tx, "update orders set total = total + 1");
          return seen(tx);
        }),
        verbs.handle(connection.client, parts, async (job) => {
          await job.stepTx("first", (tx) => write(tx, `${job.id} step`).then(() => null));
          return job.commit(async (tx) => {
            await write(tx, job.id);
            return seen(tx);
          });
        }),
        verbs.transactional(connection.client, thief, async (tx, job) => {
          const other = job.headers.tenant === "a" ? "b" : "a";
          await harness.execute(
            tx,
            `insert into orders (id, total, tenant) values ('${orm} stolen', 1, '${other}')`,
          );
          return [];
        }),
      ],
    });
    await worker.start();
    onTestFinished(() => worker.stop());
    const admin = createAdmin({ database: database.url });
    onTestFinished(() => admin.close());

    const jobs = Array.from({ length: 8 }, (_, index) => ({
      tenant: tenantsOf[index % 2]!,
      job: (index % 4 < 2 ? whole : parts)(null, { headers: { tenant: tenantsOf[index % 2]! } }),
    }));
    const ids = await Promise.all(jobs.map(async ({ job }) => (await admin.enqueue(job)).id));
    const results = await Promise.all(
      ids.map((id, index) => admin.waitFor(id, jobs[index]!.job.type as never)),
    );
    expect(results).toEqual(jobs.map(({ tenant }) => [tenant]));
    expect(
      await connection.transaction((tx) =>
        harness.execute(
          tx,
          "select coalesce(current_setting('app.tenant', true), '') as tenant, (select count(*)::text from orders) as visible",
        ),
      ),
    ).toEqual([{ tenant: "", visible: "0" }]);

    const stolen = await admin.enqueue(thief(null, { headers: { tenant: "a" } }));
    await expect(admin.waitFor(stolen.id, thief)).rejects.toMatchObject({ code: "JOB_DEAD" });
    const nobodys = await admin.enqueue(whole(null));
    await expect(admin.waitFor(nobodys.id, whole)).rejects.toMatchObject({
      code: "JOB_DEAD",
      message: expect.stringContaining(
        `job ${nobodys.id} "${orm}.whole" (attempt 1 of 20): the setting "app.tenant" that setLocal answered is undefined`,
      ),
    });
    const { rows } = await pool.query("select id, tenant from orders where id like $1 order by id", [
      `${orm} %`,
    ]);
    const written = jobs.flatMap(({ tenant, job }, index) => [
      { id: `${orm} ${ids[index]}`, tenant },
      ...(job.type.name === parts.name ? [{ id: `${orm} ${ids[index]} step`, tenant }] : []),
    ]);
    expect(rows).toEqual(written.sort((one, other) => (one.id < other.id ? -1 : 1)));
  },
);

import { diagnose } from "@pillion/core/admin";
import { startPgBouncer } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { nothing, type PooledPlace, pooledPlace } from "./pooled-place.ts";

type Mode = NonNullable<Parameters<typeof startPgBouncer>[0]["mode"]>;

/** A database of a test's own, behind the pooler that all share or behind one of its own. */
async function place(own?: Partial<Parameters<typeof startPgBouncer>[0]>): Promise<PooledPlace> {
  const url = inject("databaseUrl");
  const pooler = own && (await startPgBouncer({ url, poolSize: 2, ...own }));
  if (pooler) onTestFinished(pooler.stop);
  const place = await pooledPlace("doctor", pooler?.url);
  onTestFinished(() => place.drop());
  return place;
}

const transaction = {
  code: "POOLED_BY_TRANSACTION",
  severity: "info",
  what: expect.stringMatching(
    /^A pooler in transaction mode .*: process \d+ answers .*\. LISTEN does not work through it\.$/,
  ),
};
const session = {
  code: "POOLED_BY_SESSION",
  severity: "info",
  what: expect.stringMatching(/^A pooler in session mode .*; LISTEN works through it\./),
};

test("POOLED_BY_TRANSACTION: all else is found well, and nothing is left on the connections that are lent", async () => {
  const { pooled, leftovers } = await place();
  const { findings, severity, looked, omitted } = await diagnose({ database: pooled });
  expect(findings).toMatchObject([transaction]);
  expect(severity).toBe("info");
  expect(looked).toEqual(expect.arrayContaining(["poolers, and their mode", "LISTEN", "the clocks"]));
  expect(omitted).toHaveLength(1);
  expect(await leftovers()).toEqual(nothing);
});

test.each<[string, Partial<Parameters<typeof startPgBouncer>[0]>]>([
  ["that has a single connection to lend", { poolSize: 1 }],
  ["that lends its connections in turn", { poolSize: 3, settings: { server_round_robin: 1 } }],
])("POOLED_BY_TRANSACTION: of a pooler %s", async (_, own) => {
  const { pooled } = await place(own);
  expect((await diagnose({ database: pooled })).findings).toMatchObject([transaction]);
});

test("POOLED_BY_TRANSACTION: also while others use the pooler all the time, each time that it is asked", async () => {
  const { pooled, direct } = await place({ poolSize: 4 });
  const pool = new pg.Pool({ connectionString: pooled, max: 6 });
  let busy = true;
  const others = Array.from({ length: 6 }, async () => {
    while (busy) await pool.query("select pg_sleep(random() / 200)");
  });
  onTestFinished(() => pool.end());
  for (let times = 0; times < 20; times++)
    expect((await diagnose({ database: pooled })).findings).toMatchObject([transaction]);
  expect((await diagnose({ database: direct })).findings).toEqual([]);
  busy = false;
  await Promise.all(others);
});

test("POOLED_BY_SESSION: a NOTIFY comes back through it, and nothing else is wrong", async () => {
  const { pooled, leftovers } = await place({ mode: "session" });
  const client = new pg.Client(pooled);
  await client.connect();
  for (const database of [pooled, client]) {
    const { findings } = await diagnose({ database });
    expect(findings).toMatchObject([session]);
    expect(findings[0]!.what).not.toContain("waits");
  }
  await client.end();
  expect(await leftovers()).toEqual(nothing);
});

test("POOLED_BY_SESSION: of a pooler that has nothing left to lend", async () => {
  const { pooled } = await place({ mode: "session", poolSize: 1 });
  const { findings } = await diagnose({ database: pooled, statementMs: 500 });
  expect(findings).toMatchObject([session]);
  expect(findings[0]!.what).toMatch(/All that it has to lend is lent: another connection waits\.$/);
});

test("POOLED_BY_STATEMENT: it refuses what the diagnosis needs, which is told at once", async () => {
  const { pooled, direct } = await place({ mode: "statement" });
  const critical = { code: "POOLED_BY_STATEMENT", severity: "critical" };
  const { findings, looked, omitted } = await diagnose({ database: pooled });
  expect(findings).toMatchObject([{ ...critical, what: expect.stringContaining("this connection") }]);
  expect(looked).toEqual(["poolers, and their mode"]);
  expect(omitted.length).toBeGreaterThan(15);
  const theirs = await diagnose({ database: direct, applicationDatabase: pooled });
  expect(theirs.findings).toMatchObject([
    { ...critical, what: expect.stringContaining("the application's connection") },
  ]);
  expect(theirs.omitted).toEqual(["whether the application's database is the queue's"]);
});

test("POOLED: a mode that cannot be told, where the pooler lets no second connection in", async () => {
  const { pooled } = await place({ settings: { max_client_conn: 1 } });
  const client = new pg.Client(pooled);
  await client.connect();
  onTestFinished(() => client.end());
  expect((await diagnose({ database: client })).findings).toMatchObject([
    { code: "POOLED", severity: "info", what: expect.stringMatching(/cannot be told: .*max_client_conn/) },
  ]);
});

test.each<Mode>(["session", "transaction"])(
  "an application that goes through a pooler in %s mode is known to be in the queue's database",
  async (mode) => {
    const { direct, pooled, leftovers } = await place({ mode });
    const { findings } = await diagnose({ database: direct, applicationDatabase: pooled });
    expect(findings).toEqual([]);
    expect(await leftovers()).toEqual(nothing);
  },
);

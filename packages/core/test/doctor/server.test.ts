import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { diagnose } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { until } from "../worker/queue.ts";
import { lossyProxy } from "./lossy-proxy.ts";
import { ownDatabase } from "./own-database.ts";
import { standby } from "./standby.ts";

// What is of a whole server is brought about on one of these tests' own.

let server: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  server = await startPostgres({
    durable: false,
    settings: { autovacuum: "off", track_counts: "off", autovacuum_naptime: "1h" },
  });
});
afterAll(() => server.stop());

test("AUTOVACUUM_OFF and AUTOVACUUM_RARE: a server that vacuums nothing, or looks once an hour", async () => {
  const { diagnose } = await ownDatabase(server.url);
  expect((await diagnose()).findings).toMatchObject([
    { code: "AUTOVACUUM_OFF", severity: "critical", what: expect.stringContaining("autovacuum is off") },
    { code: "AUTOVACUUM_OFF", severity: "critical", what: expect.stringContaining("track_counts is off") },
    { code: "AUTOVACUUM_RARE", severity: "warning", what: expect.stringContaining("every 60 min") },
  ]);
});

test("HORIZON_HELD_BY_SLOT and HORIZON_HELD_BY_STANDBY: what runs on replicas keeps rows here", async () => {
  const { url, query, found } = await ownDatabase(server.url);
  const [row] = await query("select pg_snapshot_xmin(pg_current_snapshot())::text as xmin");
  const held = (code: "HORIZON_HELD_BY_SLOT" | "HORIZON_HELD_BY_STANDBY") =>
    found(code, { heldTransactions: 0 });

  const free = await standby(url, { name: "reports", xmin: Number(row!.xmin) });
  await until(async () => (await held("HORIZON_HELD_BY_STANDBY")).length > 0);
  expect(await held("HORIZON_HELD_BY_STANDBY")).toMatchObject([
    { severity: "warning", what: expect.stringContaining('The standby "reports"') },
  ]);
  expect(await held("HORIZON_HELD_BY_SLOT")).toEqual([]);
  await free.close();
  await until(async () => (await held("HORIZON_HELD_BY_STANDBY")).length === 0);

  const slotted = await standby(url, { name: "reports", xmin: Number(row!.xmin), slot: "left_behind" });
  await until(async () => (await held("HORIZON_HELD_BY_SLOT")).length > 0);
  await slotted.close();
  await until(async () => (await held("HORIZON_HELD_BY_SLOT"))[0]!.what.includes("not in use"));
  expect(await found("HORIZON_HELD_BY_SLOT")).toEqual([]);
  const [left] = await held("HORIZON_HELD_BY_SLOT");
  expect(left).toMatchObject({ mend: "select pg_drop_replication_slot('left_behind');" });
  await query(left!.mend);
  expect(await held("HORIZON_HELD_BY_SLOT")).toEqual([]);
});

test("LISTEN_FAILS: something between here and the server loses notifications", async () => {
  const { url, found } = await ownDatabase(server.url);
  expect(await found("LISTEN_FAILS")).toEqual([]);
  const lossy = await lossyProxy(url);
  onTestFinished(lossy.close);
  expect(await found("LISTEN_FAILS", { database: lossy.url, statementMs: 200 })).toMatchObject([
    { severity: "warning", what: expect.stringContaining("has not come back") },
  ]);
});

test("a connection that breaks in the middle ends the diagnosis with the driver's error", async () => {
  const { url } = await ownDatabase(server.url);
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  await client.end();
  const { diagnose } = await ownDatabase(server.url);
  await expect(diagnose({ database: client })).rejects.toThrow(/closed|not queryable/);
});

test("READ_ONLY: the server is a replica, where all else is looked at that can be", async () => {
  // Not in a database of its own, which could not be dropped afterwards.
  await migrate({ database: server.url });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const data: string = (await client.query("show data_directory")).rows[0].data_directory;
  await client.end();
  writeFileSync(join(data, "standby.signal"), "");
  // It never says that it takes connections to write.
  server.restart("fast").catch(() => {});
  const diagnosed = () => diagnose({ database: server.url });
  await until(async () => (await diagnosed().catch(() => undefined))?.findings[0]?.code === "READ_ONLY");
  const { findings: found, omitted } = await diagnosed();
  expect(found.map(({ code }) => code).filter((code) => !code.startsWith("AUTOVACUUM"))).toEqual([
    "READ_ONLY",
  ]);
  expect(found[0]).toMatchObject({ severity: "critical", what: expect.stringContaining("is a replica") });
  expect(omitted).toContain("LISTEN");
});

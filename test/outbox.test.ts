import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import type { PgTransaction } from "@pillion/pg";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { deliverWebhook, delivery, isGenuine, limitEach, placeOrder, receive } from "./docs/outbox.ts";

// What docs/outbox.md shows, with a server at the other end.

interface Message {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A server that answers what it is told to, for each path in turn; and what it has received. */
async function receiver(answers: Record<string, number[]>) {
  const received: Message[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const path = request.url!;
    received.push({ path, headers: new Headers(request.headers as Record<string, string>), body });
    response.writeHead(answers[path]!.shift() ?? 200, { "retry-after": "0" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function shop() {
  const database = await scratchDatabase(inject("databaseUrl"), "outbox");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const pool = new pg.Pool({ connectionString: database.url });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  await pool.query(`
    create table orders (id text primary key, total integer not null);
    create table shipments (order_id text not null);
    create table endpoints (id text primary key, url text not null, secret text not null, events text[] not null,
      delivered_at timestamptz, gone_at timestamptz)`);
  const admin = createAdmin({ database: database.url });
  onTestFinished(() => admin.close());
  const rows = async (text: string) => (await pool.query(text)).rows;
  const transaction = async (fn: (tx: PgTransaction) => Promise<void>) => {
    const tx = await pool.connect();
    try {
      await tx.query("begin");
      await fn(tx);
      await tx.query("commit");
    } catch (error) {
      await tx.query("rollback");
      throw error;
    } finally {
      tx.release();
    }
  };
  return { url: database.url, pool, admin, rows, transaction };
}

test("each endpoint gets the signed event of a committed order, is tried again, and a receiver does it once", async () => {
  const { url, pool, admin, rows, transaction } = await shop();
  const other = await receiver({ "/well": [], "/busy": [429], "/down": [500], "/gone": [410] });
  const secrets = new Map<string, string>();
  for (const path of ["/well", "/busy", "/down", "/gone"]) {
    secrets.set(path, randomBytes(24).toString("base64"));
    await pool.query("insert into endpoints values ($1, $2, $3, '{order.placed}')", [
      path,
      other.url + path,
      secrets.get(path),
    ]);
  }
  await limitEach(url);
  await transaction((tx) => placeOrder(tx, { id: "1", total: 7 }));
  await expect(
    transaction(async (tx) => {
      await placeOrder(tx, { id: "2", total: 8 });
      throw new Error("changed my mind");
    }),
  ).rejects.toThrow("changed my mind");

  const worker = createWorker({ database: url, handlers: [delivery(pool)], pollMs: 50, logger: false });
  await worker.start();
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  const jobs: { id: string; to: string }[] = await rows(
    `select id::text, payload ->> 'endpoint' as to from pillion.job
     union all select id::text, payload ->> 'endpoint' from pillion.archive`,
  );
  expect(jobs.map(({ to }) => to).sort()).toEqual(["/busy", "/down", "/gone", "/well"]);
  const down = jobs.find(({ to }) => to === "/down")!.id;
  // Its backoff is five seconds: an operator is faster.
  while ((await admin.job(down))?.state !== "scheduled");
  await admin.retry(down);
  for (const { id } of jobs) await admin.waitFor(id, deliverWebhook);

  const paths = other.received.map(({ path }) => path).sort();
  expect(paths).toEqual(["/busy", "/busy", "/down", "/down", "/gone", "/well"]);
  for (const { path, headers, body } of other.received) {
    expect(JSON.parse(body)).toEqual({ type: "order.placed", data: { id: "1", total: 7 } });
    expect(headers.get("webhook-id")).toBe(jobs.find(({ to }) => to === path)!.id);
    expect(isGenuine(secrets.get(path)!, headers, body)).toBe(true);
    expect(isGenuine(secrets.get(path)!, headers, `${body} `)).toBe(false);
    expect(isGenuine(randomBytes(24).toString("base64"), headers, body)).toBe(false);
    const old = new Headers(headers);
    old.set("webhook-timestamp", String(Number(headers.get("webhook-timestamp")) - 600));
    expect(isGenuine(secrets.get(path)!, old, body)).toBe(false);
  }
  expect(await rows("select id from endpoints where gone_at is not null")).toEqual([{ id: "/gone" }]);
  expect(await rows("select count(*)::int as n from endpoints where delivered_at is not null")).toEqual([
    { n: 3 },
  ]);

  for (const { headers, body } of other.received.filter(({ path }) => path === "/busy"))
    await transaction((tx) => receive(tx, headers, body));
  expect(await rows("select order_id from shipments")).toEqual([{ order_id: "1" }]);
});

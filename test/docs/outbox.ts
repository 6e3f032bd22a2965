import { createHmac, timingSafeEqual } from "node:crypto";
import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { enqueueMany, handle, idempotent, type PgTransaction } from "@pillion/pg";
import type { Pool } from "pg";

// What docs/outbox.md shows; test/outbox.test.ts runs it.

export const deliverWebhook = defineJob({
  name: "webhook.deliver",
  payload: type<{ endpoint: string; body: string }>(),
  queue: "webhooks",
  timeoutMs: 15_000,
  maxAttempts: 12, // over about a day
  backoff: { type: "exponential", baseMs: 5_000, factor: 3, maxMs: 6 * 3_600_000, jitter: 0.2 },
});

export async function placeOrder(tx: PgTransaction, order: { id: string; total: number }) {
  await tx.query("insert into orders (id, total) values ($1, $2)", [order.id, order.total]);
  await announce(tx, "order.placed", order);
}

async function announce(tx: PgTransaction, event: string, data: unknown) {
  const { rows } = await tx.query<{ id: string }>(
    "select id from endpoints where $1 = any (events) and gone_at is null",
    [event],
  );
  const body = JSON.stringify({ type: event, data });
  await enqueueMany(
    tx,
    rows.map(({ id }) => deliverWebhook({ endpoint: id, body }, { partitionKey: id })),
  );
}

export function signatureOf(secret: string, id: string, at: string, body: string): string {
  const key = Buffer.from(secret, "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64")}`;
}

export const delivery = (pool: Pool) =>
  handle(pool, deliverWebhook, async (job) => {
    const { endpoint, body } = job.payload;
    const { rows } = await pool.query<{ url: string; secret: string }>(
      "select url, secret from endpoints where id = $1",
      [endpoint],
    );
    const [to] = rows;
    if (to === undefined) throw new DiscardError(`there is no endpoint ${endpoint} any more`);

    const at = String(Math.floor(Date.now() / 1_000));
    const answer = await fetch(to.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": job.id, // the same in every attempt
        "webhook-timestamp": at,
        "webhook-signature": signatureOf(to.secret, job.id, at, body),
      },
      body,
      redirect: "error", // the address is somebody else's: go nowhere but there
      signal: job.signal,
    });
    await answer.body?.cancel();

    const { status } = answer;
    if (status === 429 || status === 503) throw new RetryError({ delayMs: retryAfterMs(answer) });
    if (!answer.ok && status !== 410) throw new Error(`endpoint ${endpoint} answered ${status}`);
    await job.commit(async (tx) => {
      const at = status === 410 ? "gone_at" : "delivered_at";
      await tx.query(`update endpoints set ${at} = now() where id = $1`, [endpoint]);
    });
  });

function retryAfterMs(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  return seconds >= 0 && seconds <= 86_400 ? seconds * 1_000 : undefined;
}

export async function limitEach(url: string) {
  const admin = createAdmin({ database: url });
  await admin.setQueue("webhooks", { keyConcurrency: 5 });
  await admin.close();
}

export function isGenuine(secret: string, headers: Headers, body: string): boolean {
  const [id, at, given] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(
    (name) => headers.get(name) ?? "",
  ) as [string, string, string];
  const ageMs = Math.abs(Date.now() - Number(at) * 1_000);
  if (!(ageMs <= 5 * 60_000)) return false;
  const expected = Buffer.from(signatureOf(secret, id, at, body));
  // Two, while the secret is being changed.
  return given.split(" ").some((one) => {
    const bytes = Buffer.from(one);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
}

export async function receive(tx: PgTransaction, headers: Headers, body: string) {
  await idempotent(tx, ["shop.webhooks", headers.get("webhook-id")!], async () => {
    const { data } = JSON.parse(body) as { data: { id: string } };
    await tx.query("insert into shipments (order_id) values ($1)", [data.id]);
  });
}

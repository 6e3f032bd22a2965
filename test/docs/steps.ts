import { defineEvent, defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { createWorker } from "@pillion/core/worker";
import { emit, enqueue, handle, type TransactionOf } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import { pgTable, text } from "drizzle-orm/pg-core";
import pg from "pg";

// What docs/steps.md shows.

const url = process.env.DATABASE_URL!;
const shipments = pgTable("shipments", { orderId: text("order_id").notNull() });
const db = drizzle(new pg.Pool({ connectionString: url }));

export const fulfil = defineJob({
  name: "order.fulfil",
  payload: type<{ orderId: string; email: string }>(),
});
export const sendMail = defineJob({
  name: "mail.send",
  payload: type<{ to: string; text: string }>(),
  result: type<{ accepted: boolean }>(),
});
export const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });

const fulfilment = handle(db, fulfil, async (job) => {
  const { orderId, email } = job.payload;
  await job.stepTx("reserve", async (tx) => {
    await tx.insert(shipments).values({ orderId });
  });

  const { receipt } = await job.step("charge", () => charge(orderId, job.key("charge")));

  const { boxes } = await job.waitForEvent(packed(orderId), { timeoutMs: 7 * 86_400_000 });

  await job.sleep(3_600_000);
  const { accepted } = await job.run(sendMail({ to: email, text: `${boxes} boxes, receipt ${receipt}` }));
  if (!accepted) throw new Error(`${email} took no mail`);
});

export const worker = createWorker({ database: url, handlers: [fulfilment] });

export async function closeParcel(tx: TransactionOf<typeof db>, orderId: string, boxes: number) {
  await tx.insert(shipments).values({ orderId });
  await emit(tx, packed(orderId), { boxes });
}

export async function place(tx: TransactionOf<typeof db>, orderId: string, email: string) {
  await enqueue(tx, fulfil({ orderId, email }));
}

export const newsletter = handle(db, fulfil, async (job) => {
  const [first, second] = await Promise.all([
    job.step("left", () => charge("left", job.key("left"))),
    job.step("right", () => charge("right", job.key("right"))),
  ]);
  for (const { receipt } of [first, second]) await job.step("book", () => charge(receipt, job.key(receipt)));
});

export async function whatHappened(id: string) {
  const admin = createAdmin({ database: url });
  const job = await admin.job(id);
  for (const { name, kind, state, result, error, until, event } of job?.steps ?? [])
    console.log(name, kind, state, result, error?.message, until, event?.key);
  for (const child of job?.children ?? []) console.log(child.id, child.name, child.state);

  await admin.emit(packed("order-7"), { boxes: 2 });
  await admin.emit("shipment.packed", "order-8", { boxes: 1 });
  console.log((await admin.event(packed("order-7")))?.emittedAt);
  await admin.close();
}

async function charge(orderId: string, key: string): Promise<{ receipt: string }> {
  const answer = await fetch("https://payments.example/charges", {
    method: "POST",
    headers: { "Idempotency-Key": key },
    body: orderId,
  });
  return (await answer.json()) as { receipt: string };
}

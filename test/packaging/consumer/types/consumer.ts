// What users write, in each of their settings. Every line that must not compile stands beside one that does.

import * as conformance from "@pillion/conformance";
import { defineJob, InvalidJobError, type JobType, PillionError, type } from "@pillion/core";
import { type AdapterDefinition, defineAdapter } from "@pillion/core/adapter";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker, handle, type WorkerOptions } from "@pillion/core/worker";
import * as drizzle from "@pillion/drizzle";
import * as kysely from "@pillion/kysely";
import { database, enqueue, enqueueMany, enqueueStandalone, type TransactionOf } from "@pillion/pg";
import * as prisma from "@pillion/prisma";
import * as typeorm from "@pillion/typeorm";
import { Pool, type PoolClient } from "pg";

interface Order {
  id: number;
  note?: string | undefined;
}
const sendInvoice = defineJob({
  name: "invoice.send",
  payload: type<Order>(),
  result: type<{ pdf: string }>(),
});
const sendMail = defineJob({ name: "mail.send", payload: type<{ to: string }>(), queue: "mail" });

const pool = new Pool();
export async function place(client: PoolClient, tx: TransactionOf<typeof pool>): Promise<string> {
  const { id, created } = await enqueue(client, sendInvoice({ id: 1 }));
  const [first] = await enqueueMany(tx, [sendInvoice({ id: 1, note: undefined }), sendMail({ to: "a@b" })]);
  await enqueueStandalone(pool, sendMail({ to: "a@b" }, { delayMs: 10, uniqueKey: undefined }));
  // @ts-expect-error a pool is not a transaction
  await enqueue(pool, sendInvoice({ id: 1 }));
  // @ts-expect-error the payload lacks its id
  sendInvoice({ note: "x" });
  // @ts-expect-error the payload's `to` is a string
  sendMail({ to: 7 });
  // @ts-expect-error there is no such option
  sendMail({ to: "a@b" }, { later: true });
  // @ts-expect-error a job type is not a job
  await enqueue(client, sendInvoice);
  // @ts-expect-error JSON has no dates
  defineJob({ name: "x", payload: type<{ at: Date }>() });
  return created ? id : `${first?.id satisfies string | undefined}`;
}

const options: WorkerOptions = {
  database: database(pool),
  handlers: [
    handle(sendInvoice, async (job) => {
      // @ts-expect-error the payload's id is a number, not any
      job.payload.id satisfies string;
      return { pdf: `${job.payload.id satisfies number}` };
    }),
    handle(sendMail, (job) => void (job.payload.to satisfies string)),
    // @ts-expect-error the result lacks its pdf
    handle(sendInvoice, async () => ({ docx: "" })),
  ],
};
// @ts-expect-error a number is not a database
createWorker({ ...options, database: 7 });
export const worker = createWorker({ ...options, concurrency: undefined });
export const ready = migrate({ database: pool, schema: undefined });
// @ts-expect-error a number is not a database
migrate({ database: 7 });
export const record = createAdmin({ database: pool }).job("1");

const definition: AdapterDefinition<{ send(sql: string): Promise<[]> }, object> = {
  name: "mine",
  expects: "an open transaction",
  handleLives: "transaction",
  inTransaction: (tx) => typeof tx.send === "function",
  isClient: () => false,
  run: async (tx, { text }) => ("send" in tx ? tx.send(text) : []),
};
export const mine = defineAdapter(definition);

export function explain(error: unknown): string {
  if (error instanceof InvalidJobError) return error.issues.map(({ message }) => message).join();
  return PillionError.is(error) ? error.code : "";
}
export const adapters = [drizzle, kysely, prisma, typeorm].map((adapter) => adapter.enqueue);
export const anyOf: JobType[] = [];
export const { harnessName } = conformance;

import { AsyncLocalStorage } from "node:async_hooks";
import { NotInTransactionError } from "@pillion/core";
import { ambient, enqueue, type TransactionOf } from "@pillion/drizzle";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { sendInvoice } from "./job-types.ts";

// What docs/ambient.md shows of a plain AsyncLocalStorage.

const db = drizzle({ client: new pg.Pool({ connectionString: process.env.DATABASE_URL }) });

const current = new AsyncLocalStorage<TransactionOf<typeof db>>();
const tx = ambient(() => current.getStore());

export const inTransaction = <T>(fn: () => Promise<T>) => db.transaction((tx) => current.run(tx, fn));

export async function requestInvoice(orderId: string) {
  await enqueue(tx, sendInvoice({ orderId }));
}

export async function outside() {
  try {
    await requestInvoice("7");
  } catch (error) {
    console.log(error instanceof NotInTransactionError); // true: nobody has opened a transaction around it
  }
}

import { sqlStateOf } from "@pillion/core";
import { enqueue, type TransactionOf } from "@pillion/drizzle";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import { sendInvoice } from "./readme/jobs.ts";

// What docs/guard.md shows.

export async function tooLate(db: NodePgDatabase) {
  let kept: TransactionOf<typeof db> | undefined;
  await db.transaction(async (tx) => {
    kept = tx;
  });

  try {
    await enqueue(kept!, sendInvoice({ orderId: "7" }));
  } catch (error) {
    console.log(sqlStateOf(error)); // 25P01: this enqueue is in no transaction
  }
}

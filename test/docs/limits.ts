import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { enqueue, type PgTransaction } from "@pillion/pg";

// What docs/limits.md shows.

const url = process.env.DATABASE_URL!;
const importRows = defineJob({ name: "rows.import", payload: type<{ file: string }>(), queue: "imports" });

export async function settle(tx: PgTransaction) {
  const admin = createAdmin({ database: url });
  await admin.setQueue("mail", { concurrency: 50, rate: { limit: 100, perMs: 1_000 } });
  await admin.setQueue("imports", { keyConcurrency: 2 });
  await admin.setQueue("ledger", { fifo: true, fifoOnDead: "block" });
  await enqueue(tx, importRows({ file: "a.csv" }, { partitionKey: "tenant 7" }));
}

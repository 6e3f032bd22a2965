import type { ClientBase } from "pg";
import type { OwnQueue } from "../own-queue.ts";

/** Runs `fn` in a transaction that commits. */
export async function committed<T>(queue: OwnQueue, fn: (tx: ClientBase) => Promise<T>): Promise<T> {
  const tx = await queue.begin();
  const result = await fn(tx);
  await tx.query("commit");
  return result;
}

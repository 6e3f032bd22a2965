import { type AdapterDefinition, defineAdapter, type Verbs } from "@pillion/core/adapter";
import type { ClientBase, Pool, PoolClient } from "pg";

/** The handle of a transaction: a `Client` or `PoolClient` on which BEGIN has been awaited. */
export type PgTransaction = ClientBase;

/** The handle of a transaction that clients of this pool open: `TransactionOf<typeof pool>`. */
export type TransactionOf<_Client extends PgClient> = PgTransaction;

/** What `enqueueStandalone` and `database` take: a pool, or a client with no transaction open. */
export type PgClient = Pool | ClientBase;

const definition: AdapterDefinition<PgTransaction, PgClient> = {
  name: "pg",
  expects:
    "a Client or PoolClient on which `await client.query('BEGIN')` has succeeded and which has not committed or rolled back",
  handleLives: "connection",
  // getTransactionStatus exists since pg 8.21: below it the guard in the database stands alone.
  inTransaction: (client) => isClient(client) && ["T", "E", undefined].includes(status(client) as string),
  // A client of an older pg may be in a transaction: only a pool is known to be outside.
  isClient: (client) =>
    isPool(client) || (isClient(client) && (status(client) === "I" || status(client) === null)),
  run: async (handle, { text, values }) => (await handle.query(text, [...values])).rows,
  describe(handle) {
    if (!isClient(handle)) return undefined;
    const open = status(handle);
    if (open === undefined) return "a pg Client";
    return `a pg Client with ${open === "T" || open === "E" ? "a" : "no"} transaction open`;
  },
  async transaction(pool, { isolationLevel }, fn) {
    const client = isPool(pool) ? await pool.connect() : pool;
    try {
      await client.query(isolationLevel ? `begin isolation level ${isolationLevel}` : "begin");
      const result = await fn(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      if (isPool(pool)) (client as PoolClient).release();
    }
  },
  async savepoint(client, fn) {
    await client.query("savepoint pillion");
    try {
      const result = await fn(client);
      await client.query("release savepoint pillion");
      return result;
    } catch (error) {
      await client.query("rollback to savepoint pillion");
      throw error;
    }
  },
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own pg transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: Verbs<PgTransaction, PgClient>["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own pg transaction; one answer for each, in their order. */
export const enqueueMany: Verbs<PgTransaction, PgClient>["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own pg transaction: they are cancelled if, and only if, it commits. */
export const cancel: Verbs<PgTransaction, PgClient>["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own pg transaction. */
export const retry: Verbs<PgTransaction, PgClient>["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own pg transaction. */
export const reschedule: Verbs<PgTransaction, PgClient>["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own pg transaction. */
export const pause: Verbs<PgTransaction, PgClient>["pause"] = verbs.pause;
/** End a queue's pause inside your own pg transaction. */
export const resume: Verbs<PgTransaction, PgClient>["resume"] = verbs.resume;
/** Publish to a topic inside your own pg transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: Verbs<PgTransaction, PgClient>["publish"] = verbs.publish;
/** Enqueue a job by itself, outside any transaction, through a pool or an idle client. */
export const enqueueStandalone: Verbs<PgTransaction, PgClient>["enqueueStandalone"] = verbs.enqueueStandalone;
/** Lets a worker run on the application's own pool. */
export const database: Verbs<PgTransaction, PgClient>["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: Verbs<PgTransaction, PgClient>["configure"] = verbs.configure;

function isPool(handle: object): handle is Pool {
  return "totalCount" in handle && "connect" in handle;
}

function isClient(handle: object): handle is ClientBase {
  // Other ORMs' handles have a query and a connection too; only a pg Client escapes identifiers.
  return (
    typeof (handle as Partial<ClientBase>).escapeIdentifier === "function" &&
    "connection" in handle &&
    !isPool(handle)
  );
}

function status(client: object): "I" | "T" | "E" | null | undefined {
  return (client as { getTransactionStatus?(): "I" | "T" | "E" | null }).getTransactionStatus?.();
}

import { type AdapterDefinition, defineAdapter, type Row, type Verbs } from "@pillion/core/adapter";

/**
 * The handle of a Postgres transaction of Drizzle, nested ones included, as drizzle-orm 0.45 and 1.0 both type
 * it. A database has no `rollback`; the transactions of MySQL and SQLite have no `selectDistinctOn`.
 */
export interface DrizzleTransaction {
  // biome-ignore lint/suspicious/noExplicitAny: it takes a class of the user's own copy of drizzle-orm
  execute(query: any): PromiseLike<unknown>;
  rollback(): never;
  readonly selectDistinctOn: unknown;
}

/** What `enqueueStandalone` and `database` take: what `drizzle(…)` returned. */
export interface DrizzleDatabase {
  // biome-ignore lint/suspicious/noExplicitAny: it takes a class of the user's own copy of drizzle-orm
  execute(query: any): PromiseLike<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: each driver has a transaction type of its own
  transaction(fn: (tx: any) => Promise<any>, config?: any): Promise<any>;
  readonly selectDistinctOn: unknown;
  readonly rollback?: never;
}

/** The handle that `db.transaction` gives its callback: `TransactionOf<typeof db>`. */
export type TransactionOf<Client extends DrizzleDatabase> = Parameters<
  Parameters<Client["transaction"]>[0]
>[0];

const definition: AdapterDefinition<DrizzleTransaction, DrizzleDatabase> = {
  name: "Drizzle",
  expects: "the `tx` of `db.transaction(async (tx) => …)`, and await the call before that callback returns",
  handleLives: "transaction",
  inTransaction: (tx) => isPostgres(tx) && typeof tx.rollback === "function",
  isClient: (db) => isPostgres(db) && typeof db.transaction === "function" && !("rollback" in db),
  async run(handle, { text, values }) {
    // Stands for an SQL object: both versions ask one for its text and parameters in this way, and nothing else.
    const query = { getSQL: () => query, toQuery: () => ({ sql: text, params: [...values] }) };
    const answer = await handle.execute(query);
    // node-postgres answers a result, postgres-js the rows themselves.
    return Array.isArray(answer) ? answer : (answer as { rows: Row[] }).rows;
  },
  transaction: (db, { isolationLevel }, fn) => db.transaction(fn, isolationLevel && { isolationLevel }),
  savepoint: (tx, fn) => (tx as unknown as DrizzleDatabase).transaction(fn),
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own Drizzle transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: Verbs<DrizzleTransaction, DrizzleDatabase>["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own Drizzle transaction; one answer for each, in their order. */
export const enqueueMany: Verbs<DrizzleTransaction, DrizzleDatabase>["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own Drizzle transaction: they are cancelled if, and only if, it commits. */
export const cancel: Verbs<DrizzleTransaction, DrizzleDatabase>["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own Drizzle transaction. */
export const retry: Verbs<DrizzleTransaction, DrizzleDatabase>["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own Drizzle transaction. */
export const reschedule: Verbs<DrizzleTransaction, DrizzleDatabase>["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own Drizzle transaction. */
export const pause: Verbs<DrizzleTransaction, DrizzleDatabase>["pause"] = verbs.pause;
/** End a queue's pause inside your own Drizzle transaction. */
export const resume: Verbs<DrizzleTransaction, DrizzleDatabase>["resume"] = verbs.resume;
/** Publish to a topic inside your own Drizzle transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: Verbs<DrizzleTransaction, DrizzleDatabase>["publish"] = verbs.publish;
/** Enqueue a job by itself, outside any transaction, through the Drizzle database. */
export const enqueueStandalone: Verbs<DrizzleTransaction, DrizzleDatabase>["enqueueStandalone"] =
  verbs.enqueueStandalone;
/** Lets a worker run on the application's own Drizzle database. */
export const database: Verbs<DrizzleTransaction, DrizzleDatabase>["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: Verbs<DrizzleTransaction, DrizzleDatabase>["configure"] = verbs.configure;

function isPostgres(handle: object): boolean {
  const { execute, selectDistinctOn } = handle as Partial<DrizzleTransaction>;
  return typeof execute === "function" && typeof selectDistinctOn === "function";
}

import { type AdapterDefinition, defineAdapter, type Row, type Verbs } from "@pillion/core/adapter";
import type { Sql, TransactionSql } from "postgres";

/** The handle that `sql.begin` gives its callback: `TransactionOf<typeof sql>`. */
export type TransactionOf<_Client extends Sql> = TransactionSql;

const definition: AdapterDefinition<TransactionSql, Sql> = {
  name: "postgres.js",
  expects: "the `tx` of `sql.begin(async (tx) => …)`, and await the call before that callback returns",
  handleLives: "transaction",
  inTransaction: (tx) => typeof tx.savepoint === "function" && typeof tx.unsafe === "function",
  isClient: (sql) => typeof sql.begin === "function" && typeof sql.unsafe === "function",
  describe: (handle) =>
    "unsafe" in handle && "release" in handle ? "a reserved connection of postgres.js" : undefined,
  run: (handle, { text, values }) => handle.unsafe<Row[]>(text, [...values]),
  transaction: (sql, { isolationLevel }, fn) =>
    sql.begin(isolationLevel ? `isolation level ${isolationLevel}` : "", fn) as ReturnType<typeof fn>,
  savepoint: (tx, fn) => tx.savepoint(fn) as ReturnType<typeof fn>,
};
const verbs: Verbs<TransactionSql, Sql> = defineAdapter(definition);

/** Enqueue inside your own postgres.js transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: Verbs<TransactionSql, Sql>["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own postgres.js transaction; one answer for each, in their order. */
export const enqueueMany: Verbs<TransactionSql, Sql>["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own postgres.js transaction: they are cancelled if, and only if, it commits. */
export const cancel: Verbs<TransactionSql, Sql>["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own postgres.js transaction. */
export const retry: Verbs<TransactionSql, Sql>["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own postgres.js transaction. */
export const reschedule: Verbs<TransactionSql, Sql>["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own postgres.js transaction. */
export const pause: Verbs<TransactionSql, Sql>["pause"] = verbs.pause;
/** End a queue's pause inside your own postgres.js transaction. */
export const resume: Verbs<TransactionSql, Sql>["resume"] = verbs.resume;
/** Publish to a topic inside your own postgres.js transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: Verbs<TransactionSql, Sql>["publish"] = verbs.publish;
export const emit: Verbs<TransactionSql, Sql>["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own postgres.js transaction. */
export const idempotent: Verbs<TransactionSql, Sql>["idempotent"] = verbs.idempotent;
/** Run jobs of a type inside your own postgres.js transaction: its writes and the completion are one commit. */
export const transactional: Verbs<TransactionSql, Sql>["transactional"] = verbs.transactional;
/** Run jobs of a type whose slow part needs no transaction: `job.commit` opens one at the end. */
export const handle: Verbs<TransactionSql, Sql>["handle"] = verbs.handle;
/** Stands for the postgres.js transaction that is open where a verb is called, and goes wherever a `tx` goes. */
export const ambient: Verbs<TransactionSql, Sql>["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction. */
export const enqueueStandalone: Verbs<TransactionSql, Sql>["enqueueStandalone"] = verbs.enqueueStandalone;
/** Lets a worker run on the application's own client. */
export const database: Verbs<TransactionSql, Sql>["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: Verbs<TransactionSql, Sql>["configure"] = verbs.configure;

import type { JobType, Settings } from "@pillion/core";
import {
  type AdapterDefinition,
  type CommittingRun,
  defineAdapter,
  type Handler,
  pgConnection,
  type TransactionalRun,
  type Verbs,
} from "@pillion/core/adapter";
import type { ClientBase, Pool, PoolClient } from "pg";

/** The handle of a transaction: a `Client` or `PoolClient` on which BEGIN has been awaited. */
export type PgTransaction = ClientBase;

/** The handle of a transaction that clients of this pool open: `TransactionOf<typeof pool>`. */
export type TransactionOf<_Client extends PgClient> = PgTransaction;

/** What `enqueueStandalone` and `database` take: a pool, or a client with no transaction open. */
export type PgClient = Pool | ClientBase;

/** How BEGIN is sent for a handler's transaction. */
export interface PgTransactionOptions {
  /** What BEGIN asks for; by default what the database, or the role, has as its default. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable" | undefined;
}

/** The verbs of pg. */
export interface PgVerbs
  extends Omit<Verbs<PgTransaction, PgClient>, "transactional" | "handle" | "configure"> {
  /**
   * Runs each job of a type in a transaction of `pool`, whose handle is `tx`: what the handler writes through it and the
   * job's completion are one commit. A throw rolls the writes back and is the attempt's failure. `job.snooze(…)`, returned,
   * commits the writes and puts the job off. `options` say how BEGIN is sent.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), the handler runs again in a new one,
   * within the same attempt.
   *
   * @throws InvalidDefinitionError for what is no root client, no job type or no function
   */
  transactional<Client extends Pool, Input, Output, Result>(
    pool: Client,
    jobType: JobType<Input, Output, Result>,
    run: TransactionalRun<TransactionOf<Client>, Output, Result>,
    options?: PgTransactionOptions | undefined,
  ): Handler;
  /**
   * Runs jobs of a type outside any transaction; `job.commit(async (tx) => …)` opens one at the end, and completes the
   * job in it. A handler that returns without it is completed as any other.
   *
   * @throws InvalidDefinitionError as `transactional` does
   */
  handle<Client extends Pool, Input, Output, Result>(
    pool: Client,
    jobType: JobType<Input, Output, Result>,
    run: CommittingRun<TransactionOf<Client>, PgTransactionOptions, Output, Result>,
  ): Handler;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): PgVerbs;
}

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
  isShared: isPool,
  connection: pgConnection,
  async transaction(pool, { own, ...options }, fn) {
    const { isolationLevel } = { ...options, ...(own as PgTransactionOptions | undefined) };
    const client = isPool(pool) ? await pool.connect() : pool;
    let broken: Error | undefined;
    const note = (error: Error) => {
      broken = error;
    };
    client.on("error", note);
    try {
      await client.query(isolationLevel ? `begin isolation level ${isolationLevel}` : "begin");
      const result = await fn(client);
      const { command } = await client.query("commit");
      if (command === "ROLLBACK")
        throw new Error(
          "COMMIT rolled back: a statement in this transaction had failed, which nobody awaited. Await every statement.",
        );
      return result;
    } catch (error) {
      await client.query("rollback").catch(note);
      throw error;
    } finally {
      client.removeListener("error", note);
      // A connection whose state nobody knows is lent to nobody.
      if (isPool(pool)) (client as PoolClient).release(broken);
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
      // It outlives its rollback, and would hide one of this name around it.
      await client.query("release savepoint pillion");
      throw error;
    }
  },
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own pg transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: PgVerbs["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own pg transaction; one answer for each, in their order. */
export const enqueueMany: PgVerbs["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own pg transaction: they are cancelled if, and only if, it commits. */
export const cancel: PgVerbs["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own pg transaction. */
export const retry: PgVerbs["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own pg transaction. */
export const reschedule: PgVerbs["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own pg transaction. */
export const pause: PgVerbs["pause"] = verbs.pause;
/** End a queue's pause inside your own pg transaction. */
export const resume: PgVerbs["resume"] = verbs.resume;
/** Publish to a topic inside your own pg transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: PgVerbs["publish"] = verbs.publish;
/** Say inside your own pg transaction that an event has happened: what waits for it goes on if, and only if, it commits. */
export const emit: PgVerbs["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own pg transaction: later calls with its key get that answer. */
export const idempotent: PgVerbs["idempotent"] = verbs.idempotent;
/**
 * Stands for the pg transaction that is open where a verb is called, and goes wherever a `tx` goes: for services that
 * keep it in an AsyncLocalStorage, or have a library that does. Outside one the verb throws, and sends nothing.
 */
export const ambient: PgVerbs["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction, through a pool or an idle client. */
export const enqueueStandalone: PgVerbs["enqueueStandalone"] = verbs.enqueueStandalone;
/**
 * Runs jobs of a type inside your own pg transaction: return commits what the handler has written together with the
 * job's completion, throw rolls it back and records the failure. Neither exists without the other.
 */
export const transactional: PgVerbs["transactional"] = verbs.transactional;
/**
 * Runs jobs of a type whose slow part needs no transaction: `job.commit(async (tx) => …)` at its end opens one, writes,
 * and completes the job in it.
 */
export const handle: PgVerbs["handle"] = verbs.handle;
/**
 * Lets a worker run on the application's own pool. Its heartbeat, and its LISTEN, are on one connection beside the pool,
 * opened with the same options.
 */
export const database: PgVerbs["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: PgVerbs["configure"] = verbs.configure;

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

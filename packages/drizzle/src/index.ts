import type { JobType, Settings } from "@pillion/core";
import {
  type AdapterDefinition,
  type CommittingRun,
  defineAdapter,
  type Handler,
  pgConnection,
  type Row,
  type TransactionalRun,
  type Verbs,
} from "@pillion/core/adapter";
import { postgresJsConnection } from "./postgres-js-connection.ts";

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
  /** What the database stands on: a pg Pool, or the client of postgres.js. */
  readonly $client?: unknown;
}

/** The handle that `db.transaction` gives its callback: `TransactionOf<typeof db>`. */
export type TransactionOf<Client extends DrizzleDatabase> = Parameters<
  Parameters<Client["transaction"]>[0]
>[0];

/** What `db.transaction` takes beside its callback: `isolationLevel`, `accessMode`, `deferrable`. */
export type DrizzleTransactionOptions<Client extends DrizzleDatabase> = NonNullable<
  Parameters<Client["transaction"]>[1]
>;

/** The verbs of Drizzle. */
export interface DrizzleVerbs
  extends Omit<Verbs<DrizzleTransaction, DrizzleDatabase>, "transactional" | "handle" | "configure"> {
  /**
   * Runs each job of a type in a transaction of `db`, whose handle is `tx`: what the handler writes through it and the
   * job's completion are one commit. A throw rolls the writes back and is the attempt's failure. `job.snooze(…)`, returned,
   * commits the writes and puts the job off. `options` are those of `db.transaction`.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), the handler runs again in a new one,
   * within the same attempt.
   *
   * @throws InvalidDefinitionError for what is no root client, no job type or no function
   */
  transactional<Client extends DrizzleDatabase, Input, Output, Result>(
    db: Client,
    jobType: JobType<Input, Output, Result>,
    run: TransactionalRun<TransactionOf<Client>, Output, Result>,
    options?: DrizzleTransactionOptions<Client> | undefined,
  ): Handler;
  /**
   * Runs jobs of a type outside any transaction; `job.commit(async (tx) => …)` opens one at the end, and completes the
   * job in it. A handler that returns without it is completed as any other.
   *
   * @throws InvalidDefinitionError as `transactional` does
   */
  handle<Client extends DrizzleDatabase, Input, Output, Result>(
    db: Client,
    jobType: JobType<Input, Output, Result>,
    run: CommittingRun<TransactionOf<Client>, DrizzleTransactionOptions<Client>, Output, Result>,
  ): Handler;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): DrizzleVerbs;
}

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
  transaction: (db, { own, isolationLevel }, fn) =>
    db.transaction(fn, own ?? (isolationLevel && { isolationLevel })),
  connection: ({ $client }) => pgConnection($client) ?? postgresJsConnection($client),
  savepoint: (tx, fn) => (tx as unknown as DrizzleDatabase).transaction(fn),
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own Drizzle transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: DrizzleVerbs["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own Drizzle transaction; one answer for each, in their order. */
export const enqueueMany: DrizzleVerbs["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own Drizzle transaction: they are cancelled if, and only if, it commits. */
export const cancel: DrizzleVerbs["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own Drizzle transaction. */
export const retry: DrizzleVerbs["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own Drizzle transaction. */
export const reschedule: DrizzleVerbs["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own Drizzle transaction. */
export const pause: DrizzleVerbs["pause"] = verbs.pause;
/** End a queue's pause inside your own Drizzle transaction. */
export const resume: DrizzleVerbs["resume"] = verbs.resume;
/** Publish to a topic inside your own Drizzle transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: DrizzleVerbs["publish"] = verbs.publish;
/** Say inside your own Drizzle transaction that an event has happened: what waits for it goes on if, and only if, it commits. */
export const emit: DrizzleVerbs["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own Drizzle transaction: later calls with its key get that answer. */
export const idempotent: DrizzleVerbs["idempotent"] = verbs.idempotent;
/**
 * Stands for the Drizzle transaction that is open where a verb is called, and goes wherever a `tx` goes: for services that
 * keep it in an AsyncLocalStorage, or have a library that does. Outside one the verb throws, and sends nothing.
 */
export const ambient: DrizzleVerbs["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction, through the Drizzle database. */
export const enqueueStandalone: DrizzleVerbs["enqueueStandalone"] = verbs.enqueueStandalone;
/**
 * Runs jobs of a type inside your own Drizzle transaction: return commits what the handler has written together with the
 * job's completion, throw rolls it back and records the failure. Neither exists without the other.
 */
export const transactional: DrizzleVerbs["transactional"] = verbs.transactional;
/**
 * Runs jobs of a type whose slow part needs no transaction: `job.commit(async (tx) => …)` at its end opens one, writes,
 * and completes the job in it.
 */
export const handle: DrizzleVerbs["handle"] = verbs.handle;
/**
 * Lets a worker run on the application's own Drizzle database. Its heartbeat, and its LISTEN, are on one connection
 * beside the driver's pool, opened with the same options.
 */
export const database: DrizzleVerbs["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: DrizzleVerbs["configure"] = verbs.configure;

function isPostgres(handle: object): boolean {
  const { execute, selectDistinctOn } = handle as Partial<DrizzleTransaction>;
  return typeof execute === "function" && typeof selectDistinctOn === "function";
}

import type { Database, Enqueued, Job, JobState, JobType, Settings } from "@pillion/core";
import {
  type AdapterDefinition,
  type CommittingRun,
  defineAdapter,
  type Handler,
  type Row,
  type TransactionalRun,
  type Verbs,
} from "@pillion/core/adapter";

interface KyselyHandle {
  // biome-ignore lint/suspicious/noExplicitAny: it takes a type of the user's own copy of kysely
  executeQuery(query: any): Promise<{ readonly rows: unknown[] }>;
  withoutPlugins(): KyselyHandle;
  getExecutor(): { readonly plugins: readonly unknown[] };
}

/** The handle of a transaction of Kysely: its `Transaction` or `ControlledTransaction`. */
export interface KyselyTransaction extends KyselyHandle {
  readonly isTransaction: true;
}

/** What `enqueueStandalone` and `database` take: the `Kysely` instance. */
export interface KyselyDatabase extends KyselyHandle {
  readonly isTransaction: boolean;
  transaction(): KyselyTransactionBuilder;
}

interface KyselyTransactionBuilder {
  // biome-ignore lint/suspicious/noExplicitAny: a list of words in the user's own copy of kysely
  setIsolationLevel(level: any): KyselyTransactionBuilder;
  // biome-ignore lint/suspicious/noExplicitAny: a list of words in the user's own copy of kysely
  setAccessMode(mode: any): KyselyTransactionBuilder;
  // biome-ignore lint/suspicious/noExplicitAny: the transaction's type depends on the user's tables
  execute<T>(fn: (trx: any) => Promise<T>): Promise<T>;
}

/** The handle that `db.transaction().execute` gives its callback: `TransactionOf<typeof db>`. */
export type TransactionOf<Client extends KyselyDatabase> = Parameters<
  Parameters<ReturnType<Client["transaction"]>["execute"]>[0]
>[0];

/** A transaction of Kysely is a subtype of `Kysely`: only a condition tells the compiler that it is not wanted. */
type Root<Client extends KyselyDatabase> = Client["isTransaction"] extends true ? never : Client;

/** A column of a view: there is nothing to insert or update. */
interface Selected<Type> {
  readonly __select__: Type;
  readonly __insert__: never;
  readonly __update__: never;
}

/** The columns of `pillion.jobs`, as pg reads them: one row for each job, wherever it is. */
export interface JobsTable {
  id: Selected<string>;
  name: Selected<string>;
  version: Selected<number>;
  queue: Selected<string>;
  state: Selected<JobState>;
  payload: Selected<unknown>;
  headers: Selected<Readonly<Record<string, unknown>> | null>;
  unique_key: Selected<string | null>;
  partition_key: Selected<string | null>;
  parent_id: Selected<string | null>;
  priority: Selected<number>;
  enqueued_at: Selected<Date>;
  run_at: Selected<Date>;
  started_at: Selected<Date | null>;
  finished_at: Selected<Date | null>;
  attempt: Selected<number>;
  max_attempts: Selected<number | null>;
  error: Selected<string | null>;
  result: Selected<unknown>;
}

/**
 * For `Kysely<DB & PillionDatabase>`: the view `pillion.jobs`, to be joined with the application's own rows by `id`. Where
 * Pillion lives in another schema, `PillionDatabase<"jobs">` has it as `jobs.jobs`.
 */
export type PillionDatabase<Schema extends string = "pillion"> = { [Name in `${Schema}.jobs`]: JobsTable };

/** How a handler's transaction is opened, in Kysely's words. */
export interface KyselyTransactionOptions {
  /** By default what the database, or the role, has as its default. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable" | undefined;
  /** By default what the database, or the role, has as its default. A job is completed where writing is allowed. */
  readonly accessMode?: "read only" | "read write" | undefined;
}

/** The verbs of Kysely. */
export interface KyselyVerbs
  extends Omit<
    Verbs<KyselyTransaction, KyselyDatabase>,
    "transactional" | "handle" | "enqueueStandalone" | "database" | "configure"
  > {
  /**
   * Runs each job of a type in a transaction of `db`, whose handle is `tx`: what the handler writes through it and the
   * job's completion are one commit. A throw rolls the writes back and is the attempt's failure. `job.snooze(…)`, returned,
   * commits the writes and puts the job off. `options` are those of its transaction builder.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), the handler runs again in a new one,
   * within the same attempt.
   *
   * @throws InvalidDefinitionError for what is no root client, no job type or no function
   */
  transactional<Client extends KyselyDatabase, Input, Output, Result>(
    db: Client & Root<Client>,
    jobType: JobType<Input, Output, Result>,
    run: TransactionalRun<TransactionOf<Client>, Output, Result>,
    options?: KyselyTransactionOptions | undefined,
  ): Handler;
  /**
   * Runs jobs of a type outside any transaction; `job.commit(async (tx) => …)` opens one at the end, and completes the
   * job in it. A handler that returns without it is completed as any other.
   *
   * @throws InvalidDefinitionError as `transactional` does
   */
  handle<Client extends KyselyDatabase, Input, Output, Result>(
    db: Client & Root<Client>,
    jobType: JobType<Input, Output, Result>,
    run: CommittingRun<TransactionOf<Client>, KyselyTransactionOptions, Output, Result>,
  ): Handler;
  /** Enqueues a job outside any transaction: it is committed when the promise resolves. */
  enqueueStandalone<Client extends KyselyDatabase>(
    client: Client & Root<Client>,
    job: Job,
  ): Promise<Enqueued>;
  /** Lets a worker run on the application's own Kysely instance. */
  database<Client extends KyselyDatabase>(client: Client & Root<Client>): Database;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): KyselyVerbs;
}

const definition: AdapterDefinition<KyselyTransaction, KyselyDatabase> = {
  name: "Kysely",
  expects:
    "the `trx` of `db.transaction().execute(async (trx) => …)`, or a ControlledTransaction that has neither committed nor rolled back",
  handleLives: "transaction",
  inTransaction: (trx) => isKysely(trx) && trx.isTransaction === true && endOf(trx) === undefined,
  isClient: (db) => isKysely(db) && db.isTransaction === false,
  run: async (handle, { text, values }) => (await execute(handle, text, values)).rows as Row[],
  describe: (handle) => {
    const end = isKysely(handle) ? endOf(handle) : undefined;
    return end && `a Kysely transaction that has ${end}`;
  },
  transaction(db, { own, ...options }, fn) {
    const { isolationLevel, accessMode }: KyselyTransactionOptions = { ...options, ...(own ?? {}) };
    let builder = db.transaction();
    if (isolationLevel) builder = builder.setIsolationLevel(isolationLevel);
    if (accessMode) builder = builder.setAccessMode(accessMode);
    return builder.execute(fn);
  },
  async savepoint(trx, fn) {
    await execute(trx, "savepoint pillion");
    try {
      const result = await fn(trx);
      await execute(trx, "release savepoint pillion");
      return result;
    } catch (error) {
      await execute(trx, "rollback to savepoint pillion");
      // It outlives its rollback, and would hide one of this name around it.
      await execute(trx, "release savepoint pillion");
      throw error;
    }
  },
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own Kysely transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: KyselyVerbs["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own Kysely transaction; one answer for each, in their order. */
export const enqueueMany: KyselyVerbs["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own Kysely transaction: they are cancelled if, and only if, it commits. */
export const cancel: KyselyVerbs["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own Kysely transaction. */
export const retry: KyselyVerbs["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own Kysely transaction. */
export const reschedule: KyselyVerbs["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own Kysely transaction. */
export const pause: KyselyVerbs["pause"] = verbs.pause;
/** End a queue's pause inside your own Kysely transaction. */
export const resume: KyselyVerbs["resume"] = verbs.resume;
/** Publish to a topic inside your own Kysely transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: KyselyVerbs["publish"] = verbs.publish;
/** Say inside your own Kysely transaction that an event has happened: what waits for it goes on if, and only if, it commits. */
export const emit: KyselyVerbs["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own Kysely transaction: later calls with its key get that answer. */
export const idempotent: KyselyVerbs["idempotent"] = verbs.idempotent;
/**
 * Stands for the Kysely transaction that is open where a verb is called, and goes wherever a `tx` goes: for services that
 * keep it in an AsyncLocalStorage, or have a library that does. Outside one the verb throws, and sends nothing.
 */
export const ambient: KyselyVerbs["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction, through the Kysely instance. */
export const enqueueStandalone: KyselyVerbs["enqueueStandalone"] = verbs.enqueueStandalone;
/**
 * Runs jobs of a type inside your own Kysely transaction: return commits what the handler has written together with the
 * job's completion, throw rolls it back and records the failure. Neither exists without the other.
 */
export const transactional: KyselyVerbs["transactional"] = verbs.transactional;
/**
 * Runs jobs of a type whose slow part needs no transaction: `job.commit(async (tx) => …)` at its end opens one, writes,
 * and completes the job in it.
 */
export const handle: KyselyVerbs["handle"] = verbs.handle;
/**
 * Lets a worker run on the application's own Kysely instance, which does not tell how it connects: give `createWorker` the
 * dialect's pool, or a URL, as `listen`, for a connection of the worker's own.
 */
export const database: KyselyVerbs["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: KyselyVerbs["configure"] = verbs.configure;

/** Plugins that rename columns or parse JSON are for the application's rows: every column here stays text. */
function execute(handle: KyselyHandle, sql: string, parameters: readonly unknown[] = []) {
  // What CompiledQuery.raw(sql, parameters) makes.
  const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] };
  const plain = handle.getExecutor().plugins.length === 0 ? handle : handle.withoutPlugins();
  return plain.executeQuery({ sql, parameters, query, queryId: { queryId: "pillion" } });
}

function isKysely(handle: object): handle is KyselyDatabase {
  const { executeQuery, withoutPlugins } = handle as Partial<KyselyHandle>;
  return typeof executeQuery === "function" && typeof withoutPlugins === "function";
}

function endOf(handle: object): string | undefined {
  const { isCommitted, isRolledBack } = handle as { isCommitted?: boolean; isRolledBack?: boolean };
  return isCommitted ? "committed" : isRolledBack ? "rolled back" : undefined;
}

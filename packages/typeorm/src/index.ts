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

interface Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: TypeORM answers any
  query(sql: string, parameters?: any[]): Promise<any>;
}

interface Manager extends Queryable {
  readonly queryRunner?: object | undefined;
  readonly getRepository: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: overloaded with types of the user's own copy of typeorm
  transaction(...parameters: any[]): Promise<any>;
}

interface Runner extends Queryable {
  readonly isTransactionActive: boolean;
  readonly isReleased: boolean;
  readonly manager: Manager;
}

/**
 * The handle of a transaction of TypeORM: an `EntityManager` inside one, or a `QueryRunner` that has started one.
 * The compiler refuses a `DataSource`; the root `EntityManager` has the same type, and is refused at run time.
 */
export type TypeOrmTransaction = (Manager | Runner) & { readonly createQueryRunner?: never };

/** What `enqueueStandalone` and `database` take: the `DataSource`. */
export interface TypeOrmDataSource extends Queryable {
  readonly manager: Manager;
  // biome-ignore lint/suspicious/noExplicitAny: overloaded with types of the user's own copy of typeorm
  transaction(...parameters: any[]): Promise<any>;
  createQueryRunner(): object;
  /** Has the pool, once the DataSource is initialized. */
  readonly driver?: object;
}

/** The handle that `dataSource.transaction` gives its callback: `TransactionOf<typeof dataSource>`. */
export type TransactionOf<Client extends TypeOrmDataSource> = Client["manager"];

/** What `dataSource.transaction` takes before its callback. */
export type TypeOrmIsolationLevel =
  | "READ UNCOMMITTED"
  | "READ COMMITTED"
  | "REPEATABLE READ"
  | "SERIALIZABLE";

/** The verbs of TypeORM. */
export interface TypeOrmVerbs
  extends Omit<Verbs<TypeOrmTransaction, TypeOrmDataSource>, "transactional" | "handle" | "configure"> {
  /**
   * Runs each job of a type in a transaction of `dataSource`, whose handle is `tx`: what the handler writes through it and the
   * job's completion are one commit. A throw rolls the writes back and is the attempt's failure. `job.snooze(…)`, returned,
   * commits the writes and puts the job off. `options` is the isolation level that `dataSource.transaction` takes.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), the handler runs again in a new one,
   * within the same attempt.
   *
   * @throws InvalidDefinitionError for what is no root client, no job type or no function
   */
  transactional<Client extends TypeOrmDataSource, Input, Output, Result>(
    dataSource: Client,
    jobType: JobType<Input, Output, Result>,
    run: TransactionalRun<TransactionOf<Client>, Output, Result>,
    options?: TypeOrmIsolationLevel | undefined,
  ): Handler;
  /**
   * Runs jobs of a type outside any transaction; `job.commit(async (tx) => …)` opens one at the end, and completes the
   * job in it. A handler that returns without it is completed as any other.
   *
   * @throws InvalidDefinitionError as `transactional` does
   */
  handle<Client extends TypeOrmDataSource, Input, Output, Result>(
    dataSource: Client,
    jobType: JobType<Input, Output, Result>,
    run: CommittingRun<TransactionOf<Client>, TypeOrmIsolationLevel, Output, Result>,
  ): Handler;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): TypeOrmVerbs;
}

const definition: AdapterDefinition<TypeOrmTransaction, TypeOrmDataSource> = {
  name: "TypeORM",
  expects:
    "the EntityManager of `dataSource.transaction(async (manager) => …)`, or a QueryRunner that has started a transaction",
  handleLives: "connection",
  inTransaction: (handle) => isOpen(runnerOf(handle)),
  // Inside runInTransaction of typeorm-transactional the data source itself is in a transaction.
  isClient: (handle) => isDataSource(handle) && !isOpen(runnerOf(handle.manager)),
  async run(handle, { text, values }) {
    const answer = await handle.query(text, [...values]);
    // UPDATE and DELETE answer [rows, count].
    return Array.isArray(answer[0]) ? answer[0] : (answer as Row[]);
  },
  describe(handle) {
    const isRoot = isDataSource(handle);
    const runner = runnerOf(isRoot ? handle.manager : handle);
    if (isRoot) return isOpen(runner) ? "a TypeORM DataSource inside a transaction" : undefined;
    if (runner === undefined && !("getRepository" in handle)) return undefined;
    const what = runner === handle ? "QueryRunner" : "EntityManager";
    const state = isOpen(runner) ? "in a transaction" : runner?.isReleased ? "released" : "in no transaction";
    return `a TypeORM ${what} that is ${state}`;
  },
  transaction(dataSource, { own, isolationLevel }, fn) {
    const level = own ?? isolationLevel?.toUpperCase();
    return level ? dataSource.transaction(level, fn) : dataSource.transaction(fn);
  },
  // Its pool, which exists once it is initialized: with replication, that of the server that is written to.
  connection: ({ driver }) => pgConnection((driver as { master?: unknown } | undefined)?.master),
  savepoint: (tx, fn) => ("manager" in tx ? tx.manager : tx).transaction(() => fn(tx)),
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own TypeORM transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: TypeOrmVerbs["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own TypeORM transaction; one answer for each, in their order. */
export const enqueueMany: TypeOrmVerbs["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own TypeORM transaction: they are cancelled if, and only if, it commits. */
export const cancel: TypeOrmVerbs["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own TypeORM transaction. */
export const retry: TypeOrmVerbs["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own TypeORM transaction. */
export const reschedule: TypeOrmVerbs["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own TypeORM transaction. */
export const pause: TypeOrmVerbs["pause"] = verbs.pause;
/** End a queue's pause inside your own TypeORM transaction. */
export const resume: TypeOrmVerbs["resume"] = verbs.resume;
/** Publish to a topic inside your own TypeORM transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: TypeOrmVerbs["publish"] = verbs.publish;
/** Say inside your own TypeORM transaction that an event has happened: what waits for it goes on if, and only if, it commits. */
export const emit: TypeOrmVerbs["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own TypeORM transaction: later calls with its key get that answer. */
export const idempotent: TypeOrmVerbs["idempotent"] = verbs.idempotent;
/**
 * Stands for the TypeORM transaction that is open where a verb is called, and goes wherever a `tx` goes: for services that
 * keep it in an AsyncLocalStorage, or have a library that does. Outside one the verb throws, and sends nothing.
 */
export const ambient: TypeOrmVerbs["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction, through the DataSource. */
export const enqueueStandalone: TypeOrmVerbs["enqueueStandalone"] = verbs.enqueueStandalone;
/**
 * Runs jobs of a type inside your own TypeORM transaction: return commits what the handler has written together with the
 * job's completion, throw rolls it back and records the failure. Neither exists without the other.
 */
export const transactional: TypeOrmVerbs["transactional"] = verbs.transactional;
/**
 * Runs jobs of a type whose slow part needs no transaction: `job.commit(async (tx) => …)` at its end opens one, writes,
 * and completes the job in it.
 */
export const handle: TypeOrmVerbs["handle"] = verbs.handle;
/**
 * Lets a worker run on the application's own DataSource, once that is initialized. Its heartbeat, and its LISTEN, are on
 * one connection beside the DataSource's pool, opened with the same options.
 */
export const database: TypeOrmVerbs["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: TypeOrmVerbs["configure"] = verbs.configure;

function isDataSource(handle: object): handle is TypeOrmDataSource {
  return "createQueryRunner" in handle && "manager" in handle;
}

/** The connection behind an EntityManager or QueryRunner of TypeORM; none behind anything else. */
function runnerOf(handle: object): Runner | undefined {
  const runner = "getRepository" in handle ? (handle as Manager).queryRunner : handle;
  return runner && "isTransactionActive" in runner && "isReleased" in runner ? (runner as Runner) : undefined;
}

function isOpen(runner: Runner | undefined): boolean {
  return runner?.isTransactionActive === true && !runner.isReleased;
}

import { type AdapterDefinition, defineAdapter, type Row, type Verbs } from "@pillion/core/adapter";

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
}

/** The handle that `dataSource.transaction` gives its callback: `TransactionOf<typeof dataSource>`. */
export type TransactionOf<Client extends TypeOrmDataSource> = Client["manager"];

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
  transaction: (dataSource, { isolationLevel }, fn) =>
    isolationLevel ? dataSource.transaction(isolationLevel.toUpperCase(), fn) : dataSource.transaction(fn),
  savepoint: (tx, fn) => ("manager" in tx ? tx.manager : tx).transaction(() => fn(tx)),
};
const verbs = defineAdapter(definition);

/** Enqueue inside your own TypeORM transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: Verbs<TypeOrmTransaction, TypeOrmDataSource>["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own TypeORM transaction; one answer for each, in their order. */
export const enqueueMany: Verbs<TypeOrmTransaction, TypeOrmDataSource>["enqueueMany"] = verbs.enqueueMany;
/** Cancel jobs inside your own TypeORM transaction: they are cancelled if, and only if, it commits. */
export const cancel: Verbs<TypeOrmTransaction, TypeOrmDataSource>["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own TypeORM transaction. */
export const retry: Verbs<TypeOrmTransaction, TypeOrmDataSource>["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own TypeORM transaction. */
export const reschedule: Verbs<TypeOrmTransaction, TypeOrmDataSource>["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own TypeORM transaction. */
export const pause: Verbs<TypeOrmTransaction, TypeOrmDataSource>["pause"] = verbs.pause;
/** End a queue's pause inside your own TypeORM transaction. */
export const resume: Verbs<TypeOrmTransaction, TypeOrmDataSource>["resume"] = verbs.resume;
/** Publish to a topic inside your own TypeORM transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: Verbs<TypeOrmTransaction, TypeOrmDataSource>["publish"] = verbs.publish;
/** Enqueue a job by itself, outside any transaction, through the DataSource. */
export const enqueueStandalone: Verbs<TypeOrmTransaction, TypeOrmDataSource>["enqueueStandalone"] =
  verbs.enqueueStandalone;
/** Lets a worker run on the application's own DataSource. */
export const database: Verbs<TypeOrmTransaction, TypeOrmDataSource>["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: Verbs<TypeOrmTransaction, TypeOrmDataSource>["configure"] = verbs.configure;

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

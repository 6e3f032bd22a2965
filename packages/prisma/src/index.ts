import {
  type Enqueued,
  InvalidConfigurationError,
  type Job,
  type JobType,
  type Settings,
} from "@pillion/core";
import {
  type Adapter,
  type AdapterDefinition,
  type CommittingRun,
  defineAdapter,
  type Handler,
  type TransactionalRun,
  type Verbs,
} from "@pillion/core/adapter";

interface RawQueries {
  $queryRaw<T = unknown>(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<T>;
  $executeRawUnsafe(query: string): PromiseLike<number>;
}

/** The client that an interactive transaction gives its callback; extended and nested ones too. */
export interface PrismaTransaction extends RawQueries {
  // Prisma.TransactionClient leaves out what only a root client has, and so accepts a root client: this does not.
  readonly $connect?: never;
}

/** What `enqueueStandalone`, `enqueueQuery` and `database` take: the `PrismaClient`, extended or not. */
export interface PrismaRoot extends RawQueries {
  $connect(): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: overloaded, with types of the user's generated client
  $transaction(fn: (tx: any) => Promise<any>, options?: any): Promise<any>;
}

/** The client that `prisma.$transaction` gives its callback: `TransactionOf<typeof prisma>`. */
export type TransactionOf<Client extends PrismaRoot> = Parameters<
  Parameters<Client["$transaction"]>[0]
>[0] & { readonly $connect?: never };

/** What `$transaction([…])` takes. It runs nothing before it is awaited, or its array is. */
export interface PrismaPromise<T> extends Promise<T> {
  readonly [Symbol.toStringTag]: "PrismaPromise";
}

/** How a handler's transaction is opened, in Prisma's words: `isolationLevel`, `timeout`, `maxWait`. */
export interface PrismaTransactionOptions {
  /** By default what the database, or the role, has as its default. */
  readonly isolationLevel?:
    | "ReadUncommitted"
    | "ReadCommitted"
    | "RepeatableRead"
    | "Serializable"
    | undefined;
  /** Milliseconds until Prisma ends it; by default the job type's `timeoutMs`. */
  readonly timeout?: number | undefined;
  /** Milliseconds to wait for a connection; by default the job type's `timeoutMs`. */
  readonly maxWait?: number | undefined;
}

/** The verbs of Prisma. */
export interface PrismaVerbs
  extends Omit<Verbs<PrismaTransaction, PrismaRoot>, "transactional" | "handle" | "configure"> {
  /**
   * Runs each job of a type in a transaction of `prisma`, whose handle is `tx`: what the handler writes through it and the
   * job's completion are one commit. A throw rolls the writes back and is the attempt's failure. `job.snooze(…)`, returned,
   * commits the writes and puts the job off. `options` are those of `$transaction`; without them neither
   * its five seconds nor its two of waiting hold, but the job type's `timeoutMs`.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), the handler runs again in a new one,
   * within the same attempt.
   *
   * @throws InvalidDefinitionError for what is no root client, no job type or no function
   */
  transactional<Client extends PrismaRoot, Input, Output, Result>(
    prisma: Client,
    jobType: JobType<Input, Output, Result>,
    run: TransactionalRun<TransactionOf<Client>, Output, Result>,
    options?: PrismaTransactionOptions | undefined,
  ): Handler;
  /**
   * Runs jobs of a type outside any transaction; `job.commit(async (tx) => …)` opens one at the end, and completes the
   * job in it. A handler that returns without it is completed as any other.
   *
   * @throws InvalidDefinitionError as `transactional` does
   */
  handle<Client extends PrismaRoot, Input, Output, Result>(
    prisma: Client,
    jobType: JobType<Input, Output, Result>,
    run: CommittingRun<TransactionOf<Client>, PrismaTransactionOptions, Output, Result>,
  ): Handler;
  /** Makes the query that enqueues a job in the array form of a transaction. */
  enqueueQuery(prisma: PrismaRoot, job: Job): PrismaPromise<[Enqueued]>;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): PrismaVerbs;
}

const isolationLevels = {
  "read committed": "ReadCommitted",
  "repeatable read": "RepeatableRead",
  serializable: "Serializable",
} as const;

const definition: AdapterDefinition<PrismaTransaction, PrismaRoot> = {
  name: "Prisma",
  expects:
    "the `tx` of `prisma.$transaction(async (tx) => …)`, and await the call before that callback returns",
  handleLives: "transaction",
  inTransaction: (tx) => isPrisma(tx) && tx.$connect === undefined && !("$extends" in tx),
  isClient: (prisma) => isPrisma(prisma) && typeof prisma.$connect === "function",
  run: async (handle, { pieces, values }) => handle.$queryRaw(pieces, ...values),
  transaction: (prisma, { own, isolationLevel, timeoutMs }, fn) =>
    prisma.$transaction(fn, {
      ...(isolationLevel && { isolationLevel: isolationLevels[isolationLevel] }),
      // Prisma's own five seconds would end a handler that may take longer.
      ...(timeoutMs && { timeout: timeoutMs, maxWait: timeoutMs }),
      // A property that is undefined is absent.
      ...Object.fromEntries(Object.entries(own ?? {}).filter(([, value]) => value !== undefined)),
    }),
  async savepoint(tx, fn) {
    // By hand: nested `$transaction` exists since 7.5.
    await tx.$executeRawUnsafe("savepoint pillion");
    try {
      const result = await fn(tx);
      await tx.$executeRawUnsafe("release savepoint pillion");
      return result;
    } catch (error) {
      await tx.$executeRawUnsafe("rollback to savepoint pillion");
      // It outlives its rollback, and would hide one of this name around it.
      await tx.$executeRawUnsafe("release savepoint pillion");
      throw error;
    }
  },
};
const verbs = withQueries(defineAdapter(definition));

/** Enqueue inside your own Prisma transaction: the job exists if, and only if, that transaction commits. */
export const enqueue: PrismaVerbs["enqueue"] = verbs.enqueue;
/** Enqueue many jobs inside your own Prisma transaction; one answer for each, in their order. */
export const enqueueMany: PrismaVerbs["enqueueMany"] = verbs.enqueueMany;
/**
 * Enqueue in the array form of a transaction: `prisma.$transaction([prisma.order.create(…), enqueueQuery(prisma, job)])`.
 * Synchronous, and nothing runs before the array does. Awaited by itself it is refused by the database.
 *
 * @throws InvalidJobError at once, also for a job whose schema validates asynchronously
 */
export const enqueueQuery: PrismaVerbs["enqueueQuery"] = verbs.enqueueQuery;
/** Cancel jobs inside your own Prisma transaction: they are cancelled if, and only if, it commits. */
export const cancel: PrismaVerbs["cancel"] = verbs.cancel;
/** Bring jobs back that have ended, inside your own Prisma transaction. */
export const retry: PrismaVerbs["retry"] = verbs.retry;
/** Move waiting jobs to another time, inside your own Prisma transaction. */
export const reschedule: PrismaVerbs["reschedule"] = verbs.reschedule;
/** Pause a queue inside your own Prisma transaction. */
export const pause: PrismaVerbs["pause"] = verbs.pause;
/** End a queue's pause inside your own Prisma transaction. */
export const resume: PrismaVerbs["resume"] = verbs.resume;
/** Publish to a topic inside your own Prisma transaction: each subscriber's job exists if, and only if, it commits. */
export const publish: PrismaVerbs["publish"] = verbs.publish;
/** Say inside your own Prisma transaction that an event has happened: what waits for it goes on if, and only if, it commits. */
export const emit: PrismaVerbs["emit"] = verbs.emit;
/** Do something once, and keep its answer, inside your own Prisma transaction: later calls with its key get that answer. */
export const idempotent: PrismaVerbs["idempotent"] = verbs.idempotent;
/**
 * Stands for the Prisma transaction that is open where a verb is called, and goes wherever a `tx` goes: for services that
 * keep it in an AsyncLocalStorage, or have a library that does. Outside one the verb throws, and sends nothing.
 */
export const ambient: PrismaVerbs["ambient"] = verbs.ambient;
/** Enqueue a job by itself, outside any transaction, through the Prisma client. */
export const enqueueStandalone: PrismaVerbs["enqueueStandalone"] = verbs.enqueueStandalone;
/**
 * Runs jobs of a type inside your own Prisma transaction: return commits what the handler has written together with the
 * job's completion, throw rolls it back and records the failure. Neither exists without the other.
 */
export const transactional: PrismaVerbs["transactional"] = verbs.transactional;
/**
 * Runs jobs of a type whose slow part needs no transaction: `job.commit(async (tx) => …)` at its end opens one, writes,
 * and completes the job in it.
 */
export const handle: PrismaVerbs["handle"] = verbs.handle;
/**
 * Lets a worker run on the application's own Prisma client, which does not tell how it connects: give `createWorker` a URL,
 * or a pg Pool, as `listen`, for a connection of the worker's own.
 */
export const database: PrismaVerbs["database"] = verbs.database;
/** The same verbs for another schema or payload limit. */
export const configure: PrismaVerbs["configure"] = verbs.configure;

function withQueries(adapter: Adapter<PrismaTransaction, PrismaRoot>): PrismaVerbs {
  return {
    ...adapter,
    enqueueQuery(prisma, job) {
      const { pieces, values } = adapter.statementFor(job);
      if (!isPrisma(prisma) || !definition.isClient(prisma))
        throw new InvalidConfigurationError(
          `Prisma enqueueQuery of job "${job.type.name}" takes the root client, for \`prisma.$transaction([…])\`; ` +
            "inside an interactive transaction, call enqueue(tx, job).",
        );
      return prisma.$queryRaw<[Enqueued]>(pieces, ...values) as PrismaPromise<[Enqueued]>;
    },
    configure: (settings) => withQueries(adapter.configure(settings)),
  };
}

function isPrisma(handle: object | null | undefined): handle is RawQueries {
  return typeof (handle as RawQueries | null | undefined)?.$queryRaw === "function";
}

import type { Database } from "../database.ts";
import { defaults } from "../defaults.ts";
import {
  InvalidConfigurationError,
  InvalidJobError,
  NotInTransactionError,
  SchemaOutdatedError,
  sqlStateOf,
  TransactionChangedError,
} from "../errors.ts";
import type { Enqueued, Job, JobRow } from "../job.ts";
import { toRow } from "../job-row.ts";
import { inColumns, parseAnswer } from "../postgres/answer.ts";
import { type Engine, postgresEngine } from "../postgres/engine.ts";
import type { Row, Statement } from "../statement.ts";
import { batches } from "./batches.ts";
import { describeHandle } from "./handles.ts";

/** What an adapter says about its ORM. It holds no SQL, no state, no pool and no retry. */
export interface AdapterDefinition<Tx extends object, Client extends object> {
  /** The ORM's name, as people write it: "Drizzle". */
  readonly name: string;
  /** What to pass as `tx`, in words, for the error that refuses anything else. */
  readonly expects: string;
  /** Is this an open transaction of this ORM? Asked of every handle before any SQL; it may be any object at all. */
  inTransaction(handle: Tx): boolean;
  /** Is this this ORM's root client, outside any transaction? Asked by `enqueueStandalone` and `database`. */
  isClient(handle: Client): boolean;
  /** Runs one statement through the handle, and through nothing else; every column comes back as text or null. */
  run(handle: Tx | Client, statement: Statement): Promise<readonly Row[]>;
  /**
   * `transaction` where each transaction gets a handle of its own, which can then be pinned to it; `connection`
   * where the handle is the connection, and serves many transactions one after the other.
   */
  readonly handleLives: "transaction" | "connection";
  /** Opens a transaction and runs `fn` in it. */
  transaction?<T>(client: Client, options: TransactionOptions, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `fn` under a savepoint; a throw rolls back to it and is passed on. */
  savepoint?<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** What this handle is, in words, where the ORM can tell more than its shape does. */
  describe?(handle: object): string | undefined;
  /** A connection of its own for a worker that runs on this client, where the ORM can give one. */
  openSession?(client: Client): ReturnType<NonNullable<Database["openSession"]>>;
}

/** How a transaction is opened. */
export interface TransactionOptions {
  /** The ORM's, or the database's, default where it is absent. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable" | undefined;
}

/** What `configure` binds the verbs to. */
export interface Settings {
  /** The database schema that holds the queue's tables; default `pillion`. */
  readonly schema?: string | undefined;
  /** The largest payload, in bytes of its JSON text; default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined;
}

/** What every adapter exports, typed with its ORM's handles. */
export interface Verbs<Tx extends object, Client extends object> {
  /**
   * Enqueues a job inside the transaction `tx`: the job exists if, and only if, that transaction commits. One
   * statement, on that transaction's connection.
   *
   * @returns the job's id; `created: false` and the id of the job that holds its unique key, where one does
   * @throws NotInTransactionError, InvalidJobError before any SQL is sent; the transaction stays usable
   * @throws SchemaOutdatedError when the queue's tables are missing or old
   * @throws whatever the ORM throws for an error of the database
   */
  enqueue(tx: Tx, job: Job): Promise<Enqueued>;
  /**
   * Enqueues many jobs inside the transaction `tx`, in statements of up to 5,000 jobs and 8 MiB. Jobs in an array
   * are all checked before the first statement; those of an (async) iterable chunk by chunk, so an invalid one
   * may follow chunks that are already written: let the error roll the transaction back.
   *
   * @returns one answer for each job, in their order; `[]` without any SQL for no jobs
   */
  enqueueMany(tx: Tx, jobs: Iterable<Job> | AsyncIterable<Job>): Promise<Enqueued[]>;
  /** Enqueues a job outside any transaction: it is committed when the promise resolves. Takes the root client only. */
  enqueueStandalone(client: Client, job: Job): Promise<Enqueued>;
  /** Lets a worker, or migrate, run on the application's own client. */
  database(client: Client): Database;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): Verbs<Tx, Client>;
}

/** What {@link defineAdapter} returns: the verbs, and what adapters with forms of their own build on. */
export interface Adapter<Tx extends object, Client extends object> extends Verbs<Tx, Client> {
  configure(settings: Settings): Adapter<Tx, Client>;
  /**
   * The statement that enqueues one job, for forms of an ORM in which somebody else runs it. It answers one row with
   * the properties of {@link Enqueued}. @throws InvalidJobError
   */
  statementFor(job: Job): Statement;
}

/** Turns an adapter's answers about its ORM into the verbs. Pure: nothing is opened, nothing runs. */
export function defineAdapter<Tx extends object, Client extends object = Tx>(
  definition: AdapterDefinition<Tx, Client>,
): Adapter<Tx, Client> {
  return bind(definition, {});
}

function bind<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  settings: Settings,
): Adapter<Tx, Client> {
  const { schema, maxPayloadBytes } = checkSettings(settings);
  const engine = postgresEngine(schema);
  const pins = new WeakMap<object, string>();

  function checkTransaction(tx: Tx, job: unknown): void {
    const usable =
      typeof tx === "object" || typeof tx === "function"
        ? tx !== null && inTransaction(definition, tx)
        : false;
    if (usable) return;
    throw new NotInTransactionError(
      `${definition.name} enqueue${ofJob(job)}: got ${describe(definition, tx)}. ` +
        `Pass ${definition.expects}. Nothing was sent to the database.`,
      jobNameOf(job),
    );
  }

  async function send(handle: Tx | Client, statement: Statement): Promise<readonly Row[]> {
    try {
      return await definition.run(handle, statement);
    } catch (error) {
      throw schemaErrorOf(error, schema) ?? error;
    }
  }

  async function sendInTransaction(tx: Tx, rows: readonly JobRow[]): Promise<Enqueued[]> {
    const pin = pins.get(tx) ?? null;
    const answers: Enqueued[] = [];
    for (const row of await send(tx, statementOf(engine, rows, true, pin))) {
      const answer = parseAnswer(row);
      if (!answer) break;
      if (answers.length === 0 && definition.handleLives === "transaction") pins.set(tx, answer.xid);
      answers.push(answer.enqueued);
    }
    if (answers.length > 0) return answers;
    throw new TransactionChangedError(
      `${definition.name} enqueue of job "${rows[0]!.name}": this handle belongs to a transaction that is over, ` +
        "and its connection now serves another one. Nothing was written. Enqueue with the handle of the open " +
        "transaction, and await it before its callback returns.",
      rows[0]!.name,
    );
  }

  const verbs: Adapter<Tx, Client> = {
    async enqueue(tx, job) {
      checkTransaction(tx, job);
      const row = await toRow(job, maxPayloadBytes);
      return (await sendInTransaction(tx, [row]))[0]!;
    },
    async enqueueMany(tx, jobs) {
      checkTransaction(tx, undefined);
      const answers: Enqueued[] = [];
      for await (const rows of batches(jobs, maxPayloadBytes)) {
        for (const answer of await sendInTransaction(tx, rows)) answers.push(answer);
      }
      return answers;
    },
    async enqueueStandalone(client, job) {
      if (!isObject(client) || !guardedCall(() => definition.isClient(client)))
        throw new InvalidConfigurationError(
          `${definition.name} enqueueStandalone${ofJob(job)}: got ${describe(definition, client)}. It takes the ` +
            "root client, outside any transaction; inside one, call enqueue(tx, job).",
        );
      const row = await toRow(job, maxPayloadBytes);
      const [answer] = await send(client, statementOf(engine, [row], false, null));
      return parseAnswer(answer)!.enqueued;
    },
    database(client) {
      if (!isObject(client) || !guardedCall(() => definition.isClient(client)))
        throw new InvalidConfigurationError(
          `${definition.name} database: got ${describe(definition, client)}. It takes the root client, outside any transaction.`,
        );
      const { transaction, openSession } = definition;
      return {
        name: `${definition.name} client`,
        run: (statement) => definition.run(client, statement),
        ...(transaction && {
          runReadCommitted: (statement: Statement) =>
            transaction.call(definition, client, { isolationLevel: "read committed" }, (tx) =>
              definition.run(tx as Tx, statement),
            ) as Promise<readonly Row[]>,
        }),
        ...(openSession && { openSession: () => openSession.call(definition, client) }),
      };
    },
    configure: (changed) => bind(definition, { ...settings, ...changed }),
    statementFor(job) {
      const row = toRow(job, maxPayloadBytes);
      if (row instanceof Promise) {
        row.catch(() => {});
        throw new InvalidJobError(
          `Job "${jobNameOf(job)}": its schema validates asynchronously, and this form of enqueue is synchronous. ` +
            "Use enqueue(tx, job), or a schema that validates synchronously.",
          jobNameOf(job),
        );
      }
      return inColumns(statementOf(engine, [row], true, null));
    },
  };
  return verbs;
}

function checkSettings(settings: Settings) {
  for (const key of Object.keys(settings))
    if (key !== "schema" && key !== "maxPayloadBytes")
      throw new InvalidConfigurationError(
        `configure: unknown setting "${key}". Known: schema, maxPayloadBytes.`,
      );
  const { schema = defaults.schema, maxPayloadBytes = defaults.maxPayloadBytes } = settings;
  if (!(Number.isInteger(maxPayloadBytes) && maxPayloadBytes >= 1 && maxPayloadBytes <= 64 * 1_048_576))
    throw new InvalidConfigurationError(
      `configure: maxPayloadBytes is ${String(maxPayloadBytes)}, not a whole number of bytes from 1 to 67108864.`,
    );
  return { schema, maxPayloadBytes };
}

function statementOf(
  engine: Engine,
  rows: readonly JobRow[],
  guarded: boolean,
  pin: string | null,
): Statement {
  if (rows.some((row) => row.uniqueKey !== null)) return engine.enqueueKeyed({ rows, guarded, pin });
  return rows.length === 1
    ? engine.enqueue({ row: rows[0]!, guarded, pin })
    : engine.enqueueMany({ rows, guarded, pin });
}

function inTransaction<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  handle: Tx,
): boolean {
  return guardedCall(() => definition.inTransaction(handle));
}

/** A foreign handle may throw at any property access (Prisma's proxies, revoked proxies): that is a no. */
function guardedCall(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return false;
  }
}

function describe<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  handle: unknown,
): string {
  let own: string | undefined;
  try {
    own = isObject(handle) ? definition.describe?.(handle) : undefined;
  } catch {
    // The same foreign handles that cannot be asked cannot be described by what they answer.
  }
  return own ?? describeHandle(handle) ?? "an object that is no transaction";
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function ofJob(job: unknown): string {
  const name = jobNameOf(job);
  return name === undefined ? "" : ` of job "${name}"`;
}

function jobNameOf(job: unknown): string | undefined {
  const name = (job as { type?: { name?: unknown } } | null | undefined)?.type?.name;
  return typeof name === "string" ? name : undefined;
}

/** A missing table, function, column or schema: the one kind of database error that is wrapped. */
export function schemaErrorOf(error: unknown, schema: string): SchemaOutdatedError | undefined {
  const state = sqlStateOf(error);
  if (state === undefined || !["42P01", "42883", "42703", "42704", "3F000"].includes(state)) return undefined;
  const option = schema === defaults.schema ? "" : ` --schema ${JSON.stringify(schema)}`;
  return new SchemaOutdatedError(
    `The schema "${schema}" of this database is missing or does not fit this release of Pillion (SQLSTATE ${state}). ` +
      `Run: npx pillion migrate${option}`,
    error,
  );
}

import type { Database } from "../database.ts";
import type { Enqueued } from "../job/job.ts";
import type { Job } from "../job/type.ts";
import type { Statement } from "../statement.ts";
import type { Settings } from "./settings.ts";

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

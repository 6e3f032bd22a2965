import type { Database } from "../database.ts";
import type { EmitOptions, Emitted, Event } from "../job/event.ts";
import type { Changed, JobFilter, QueueChanged } from "../job/filter.ts";
import type { Enqueued } from "../job/job.ts";
import type { Published, PublishOptions } from "../job/publication.ts";
import type { Time } from "../job/time.ts";
import type { Topic } from "../job/topic.ts";
import type { Job } from "../job/type.ts";
import type { Statement } from "../statement.ts";
import type { Ambient } from "./ambient.ts";
import type { EffectVerbs } from "./effects.ts";
import type { IdempotentOptions } from "./idempotent.ts";
import type { Settings } from "./settings.ts";

/** What every adapter exports, typed with its ORM's handles. */
export interface Verbs<Tx extends object, Client extends object> extends EffectVerbs<Client> {
  /**
   * Makes what every verb takes in place of `tx`, for services that are not given a transaction: each call of a verb asks
   * `resolve`, once and at once, for the transaction that is open there. Where that answers something else (nothing, or the
   * root client) or throws, the verb throws NotInTransactionError and sends nothing.
   *
   * @throws InvalidDefinitionError for what is no function
   */
  ambient<Handle extends Tx>(resolve: () => Handle | undefined): Ambient<Handle>;
  /**
   * Enqueues a job inside the transaction `tx`: the job exists if, and only if, that transaction commits. One
   * statement, on that transaction's connection.
   *
   * @returns the job's id; `created: false` and the id of the job that holds its unique key, where one does
   * @throws NotInTransactionError, InvalidJobError before any SQL is sent; the transaction stays usable
   * @throws SchemaOutdatedError when the queue's tables are missing or old
   * @throws whatever the ORM throws for an error of the database
   */
  enqueue(tx: Tx | Ambient<Tx>, job: Job): Promise<Enqueued>;
  /**
   * Enqueues many jobs inside the transaction `tx`, in statements of up to 5,000 jobs and 8 MiB. Jobs in an array
   * are all checked before the first statement; those of an (async) iterable chunk by chunk, so an invalid one
   * may follow chunks that are already written: let the error roll the transaction back.
   *
   * @returns one answer for each job, in their order; `[]` without any SQL for no jobs
   */
  enqueueMany(tx: Tx | Ambient<Tx>, jobs: Iterable<Job> | AsyncIterable<Job>): Promise<Enqueued[]>;
  /**
   * Cancels jobs inside the transaction `tx`. One that waits ends as `cancelled`; one that runs has its signal aborted
   * once the transaction commits. What has ended already, or never was, is not in the answer. A filter takes its first
   * 10,000 jobs; `next` says how to go on.
   *
   * It waits for a row that another transaction has locked. One statement, refused outside a transaction as enqueue is.
   *
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent; the transaction stays usable
   */
  cancel(tx: Tx | Ambient<Tx>, idOrFilter: string | JobFilter): Promise<Changed>;
  /**
   * Brings back jobs that have ended, inside the transaction `tx`, under their own ids; and makes jobs ready at once
   * that wait for another attempt. A filter without `ids` or `state` takes what has failed: dead jobs, and those that
   * wait for another attempt. Attempts are counted on; a job that has none left gets one more.
   *
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent
   */
  retry(tx: Tx | Ambient<Tx>, idOrFilter: string | JobFilter): Promise<Changed>;
  /**
   * Moves jobs that wait (`scheduled` or `ready`) to another time, inside the transaction `tx`: `{ runAt }`, or
   * `{ delayMs }` from now. A time that has passed makes them ready.
   *
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent
   */
  reschedule(tx: Tx | Ambient<Tx>, idOrFilter: string | JobFilter, time: Time): Promise<Changed>;
  /**
   * Pauses a queue inside the transaction `tx`: after its commit no worker starts a job of it. What runs goes on.
   *
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent
   */
  pause(tx: Tx | Ambient<Tx>, queue: string): Promise<QueueChanged>;
  /** Ends a pause inside the transaction `tx`, and wakes workers at its commit. @throws as `pause` does */
  resume(tx: Tx | Ambient<Tx>, queue: string): Promise<QueueChanged>;
  /**
   * Publishes to a topic inside the transaction `tx`: each job type that has subscribed gets a job in its queue, if,
   * and only if, the transaction commits. One statement.
   *
   * @returns the job of each subscription; `[]` where nobody has subscribed
   * @throws NotInTransactionError, InvalidJobError before any SQL is sent
   */
  publish<Payload>(
    tx: Tx | Ambient<Tx>,
    topic: Topic<Payload>,
    payload: NoInfer<Payload>,
    options?: PublishOptions | undefined,
  ): Promise<readonly Published[]>;
  /**
   * Says inside the transaction `tx` that an event has happened: jobs that wait for it go on once that transaction
   * commits, and those that wait for it later at once. An event happens once: the first emit that commits wins, with its
   * payload. One statement. It waits for another transaction that has emitted the same event and is still open.
   *
   * @returns `emitted: false` where it had happened before
   * @throws NotInTransactionError, InvalidJobError, InvalidRequestError before any SQL is sent
   */
  emit<Payload>(
    tx: Tx | Ambient<Tx>,
    event: Event<Payload>,
    payload: NoInfer<Payload>,
    options?: EmitOptions | undefined,
  ): Promise<Emitted>;
  /**
   * Does something once, however often it is asked for: a request handler, a webhook. The first call with this key runs
   * `fn` and stores its answer inside the transaction `tx`; later calls get that answer, and run nothing. A call with
   * the same key whose transaction is still open is waited for. Where `fn` throws, the key stays free, also if the
   * transaction goes on and commits.
   *
   * The answer is what JSON carries, for the first caller too; `undefined` is no answer, and stays none. `key`: what is
   * called, and what tells this call from others: `["orders.place", requestId]`.
   *
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent
   * @throws InvalidRequestError for an answer that JSON cannot carry, or longer than `maxPayloadBytes`; the key stays free
   * @throws TransactionChangedError when `fn` has ended the transaction, or rolled back to before the call
   * @throws ReentryError when `fn` calls for the same key in the same transaction
   */
  idempotent<Answer>(
    tx: Tx | Ambient<Tx>,
    key: readonly [scope: string, key: string],
    fn: () => Answer | Promise<Answer>,
    options?: IdempotentOptions | undefined,
  ): Promise<Answer>;
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

import { InvalidDefinitionError, InvalidRequestError, sqlStateOf } from "../errors.ts";
import type { OpenAttempt } from "../handler/effects.ts";
import type { ActiveJob, Handler } from "../handler/handler.ts";
import { Snooze } from "../handler/snooze.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { readComplete } from "../postgres/complete.ts";
import type { Engine } from "../postgres/engine.ts";
import type { SettleStatus } from "../postgres/fence.ts";
import type { Row, Statement } from "../statement.ts";
import type { AdapterDefinition } from "./definition.ts";
import { describe, isClient, isTransaction } from "./questions.ts";

/** What a transactional handler is: it gets the open transaction, and the job. */
export type TransactionalRun<Tx, Output, Result> = (
  tx: Tx,
  job: ActiveJob<Output>,
) => Result | Snooze | Promise<Result | Snooze>;

/** What a handler is whose slow part runs outside any transaction. */
export type CommittingRun<Tx, Options, Output, Result> = (
  job: CommittingJob<Tx, Options, Output, Result>,
) => Result | Snooze | Promise<Result | Snooze>;

/** A job whose handler may complete it in a transaction, at its end. */
export interface CommittingJob<Tx, Options, Output, Result> extends ActiveJob<Output> {
  /**
   * Opens a transaction, runs `fn` in it, and completes the job as the last statement before its COMMIT: what `fn`
   * writes, enqueues or emits, and "this job is done", are one. Return what it answers; `fn`'s answer is the job's
   * result. A throw rolls all of it back.
   *
   * Where Postgres refuses the transaction because of another one (40001, 40P01), `fn` runs again in a new one.
   *
   * @throws LeaseLostError where another worker has the job by now: nothing is committed
   * @throws InvalidRequestError when it is called a second time, after the handler has ended, or without a function
   */
  commit(fn: (tx: Tx) => Result | Promise<Result>, options?: Options | undefined): Promise<Result>;
}

/** Handlers that write in transactions of the adapter's ORM, and complete their jobs there. */
export interface EffectVerbs<Client extends object> {
  transactional<Input, Output, Result>(
    client: Client,
    jobType: JobType<Input, Output, Result>,
    // biome-ignore lint/suspicious/noExplicitAny: the transaction's type depends on the client; adapters say how
    run: TransactionalRun<any, Output, Result>,
    options?: unknown,
  ): Handler;
  handle<Input, Output, Result>(
    client: Client,
    jobType: JobType<Input, Output, Result>,
    // biome-ignore lint/suspicious/noExplicitAny: the same
    run: CommittingRun<any, any, Output, Result>,
  ): Handler;
}

/** How often a transaction is begun that Postgres refuses because of another one. */
const mostRounds = 10;

/** Makes the verbs of an adapter that can open transactions. */
export function effects<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  engine: Engine,
  send: (handle: Tx | Client, statement: Statement) => Promise<readonly Row[]>,
): EffectVerbs<Client> {
  /** Runs `fn` in a transaction, and ends the attempt as the last thing before its COMMIT. */
  async function commit<Result>(
    client: Client,
    attempt: OpenAttempt,
    fn: (tx: Tx) => Result | Promise<Result>,
    options: unknown,
  ): Promise<Result> {
    if (attempt.commitHere) return attempt.commitHere(definition.name, fn);
    for (let round = 1; ; round++) {
      attempt.signal.throwIfAborted();
      let ended: { readonly result: Result } | undefined;
      try {
        const result = await definition.transaction!(
          client,
          { timeoutMs: attempt.timeoutMs, own: options },
          async (tx) => {
            const result = await fn(tx);
            await end(tx, attempt, result);
            ended = { result };
            return result;
          },
        );
        attempt.committed();
        return result;
      } catch (error) {
        attempt.completing = false;
        if (ended && isUnheard(error) && (await wasCompleted(client, attempt))) {
          attempt.committed();
          return ended.result;
        }
        if (attempt.signal.aborted || round === mostRounds || !isRefused(error)) throw error;
        await pause(Math.random() * 5 * 2 ** round);
      }
    }
  }

  /** Looks what became of a COMMIT whose answer was lost, for as long as the attempt may take. */
  async function wasCompleted(client: Client, { id, number, signal }: OpenAttempt): Promise<boolean> {
    for (let pauseMs = 20; !signal.aborted; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        return (await send(client, engine.completed({ id, attempt: number })))[0]!.completed === "true";
      } catch (error) {
        if (!isUnheard(error)) return false;
        await pause(pauseMs);
      }
    }
    return false;
  }

  async function end(tx: Tx, attempt: OpenAttempt, result: unknown): Promise<void> {
    const { id, claim, startedMs } = attempt;
    const ask = async (): Promise<SettleStatus> => {
      if (!(result instanceof Snooze)) {
        const input = { id, claim, startedMs, result: attempt.resultText(result) };
        return readComplete(await send(tx, engine.complete(input)));
      }
      const settlements = [{ id, claim, delayMs: result.delayMs, error: null }];
      return (await send(tx, engine.retry({ settlements })))[0]!.status as SettleStatus;
    };
    for (;;) {
      attempt.signal.throwIfAborted();
      // A beat that no longer finds the job has nothing to say from now on: the answer to this will.
      attempt.completing = true;
      const status = await ask();
      if (status === "done") return;
      if (status === "lost") throw attempt.loseLease();
      // Somebody is about to cancel the job, and has not committed yet.
      await pause(10);
    }
  }

  function check(verb: string, client: unknown, jobType: unknown, run: unknown): asserts client is Client {
    if (!isJobType(jobType))
      throw new InvalidDefinitionError(
        `${definition.name} ${verb}: the second argument is not what defineJob returned.`,
      );
    if (!isClient(definition, client) || definition.isShared?.(client) === false)
      throw new InvalidDefinitionError(
        `${definition.name} ${verb} of job "${jobType.name}": got ${describe(definition, client)}. It takes the root ` +
          "client, which opens a transaction for each attempt.",
        jobType.name,
      );
    if (typeof run !== "function")
      throw new InvalidDefinitionError(
        `${definition.name} ${verb}: job "${jobType.name}" got no function to run it.`,
        jobType.name,
      );
    if (!definition.transaction)
      throw new InvalidDefinitionError(
        `${definition.name} ${verb} of job "${jobType.name}": this adapter opens no transactions. Its definition needs ` +
          "`transaction`.",
        jobType.name,
      );
  }

  /** @throws InvalidRequestError for what is no function: the handle of a transaction, for one */
  function checkCommit(attempt: OpenAttempt, fn: unknown): void {
    if (typeof fn === "function" && !isTransaction(definition, fn)) return;
    throw new InvalidRequestError(
      `${attempt}: commit got ${fn === undefined ? "nothing" : describe(definition, fn)}, and takes a function. It ` +
        "opens the transaction itself: job.commit(async (tx) => …). Nothing was committed.",
    );
  }

  const of = (client: Client) => ({
    name: definition.name,
    client,
    schema: engine.schema.name,
    sees: async (worker: string, nonce: string) =>
      (await send(client, engine.sees({ worker, nonce })))[0]!.sees === "true",
  });

  return {
    transactional(client, jobType, run, options) {
      check("transactional", client, jobType, run);
      return {
        jobType: jobType as unknown as JobType,
        effects: of(client),
        run: (job, attempt) => commit(client, attempt, (tx) => run(tx, job), options),
      };
    },
    handle(client, jobType, run) {
      check("handle", client, jobType, run);
      return {
        jobType: jobType as unknown as JobType,
        effects: of(client),
        async run(job, attempt) {
          let committing: Promise<unknown> | undefined;
          let over = false;
          const committingJob = Object.assign(job, {
            commit(fn: (tx: Tx) => never, options: unknown) {
              checkCommit(attempt, fn);
              if (over)
                throw new InvalidRequestError(
                  `${attempt}: commit was called after its handler had ended. Await it, or return what it returns. ` +
                    "Nothing was committed.",
                );
              if (committing !== undefined)
                throw new InvalidRequestError(
                  `${attempt}: commit was called twice. It completes the job, so it is the last thing that a handler does.`,
                );
              committing = commit(client, attempt, fn, options);
              // Its failure is the attempt's, whoever awaits it.
              committing.catch(() => {});
              return committing;
            },
          });
          try {
            const returned = await run(committingJob as never);
            over = true;
            // Where the handler has not awaited it, or has swallowed its error, the job must not seem done.
            await committing;
            return returned;
          } finally {
            over = true;
            await committing?.catch(() => {});
          }
        },
      };
    },
  };
}

/** Whether Postgres has refused a transaction because of another one, and would take it now. */
function isRefused(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40001" || state === "40P01";
}

/** Whether an error leaves open what became of a COMMIT: the connection broke, or the server was on its way down. */
function isUnheard(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith("08") || state.startsWith("57P");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import { InvalidDefinitionError, InvalidRequestError } from "../errors.ts";
import type { DurableJob, OpenStep } from "../handler/durable.ts";
import type { OpenAttempt } from "../handler/effects.ts";
import type { ActiveJob, Handler } from "../handler/handler.ts";
import { Snooze } from "../handler/snooze.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { readComplete } from "../postgres/complete.ts";
import type { Engine } from "../postgres/engine.ts";
import type { SettleStatus } from "../postgres/fence.ts";
import { isRefused, isUnheard } from "../postgres/refused.ts";
import { readStatus } from "../postgres/steps.ts";
import type { Row, Statement } from "../statement.ts";
import type { AdapterDefinition } from "./definition.ts";
import { describe, isClient, isTransaction } from "./questions.ts";
import { type SetLocal, withSettings } from "./set-local.ts";

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
export interface CommittingJob<Tx, Options, Output, Result> extends DurableJob<Output> {
  /**
   * A step whose effects in the database happen exactly once: opens a transaction, runs `fn` in it, and records the
   * answer as the last statement before its COMMIT. As `step` otherwise. `fn` may run again in a new transaction where
   * Postgres refuses one because of another (40001, 40P01).
   *
   * @throws LeaseLostError where another worker has the job by now: nothing is committed
   */
  stepTx<Answer>(
    name: string,
    fn: (tx: Tx) => Answer | Promise<Answer>,
    options?: Options | undefined,
  ): Promise<Answer>;
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
  setLocal: SetLocal | undefined,
): EffectVerbs<Client> {
  /** Runs `fn` in a transaction; `end` writes what makes it count, as the last thing before its COMMIT. */
  async function transact<Result, Ended>(
    client: Client,
    attempt: OpenAttempt,
    fn: (tx: Tx) => Result | Promise<Result>,
    options: unknown,
    end: (tx: Tx, result: Result) => Promise<Ended>,
    asked: Statement,
  ): Promise<Ended> {
    for (let round = 1; ; round++) {
      attempt.signal.throwIfAborted();
      let ended: { readonly result: Ended } | undefined;
      try {
        return await definition.transaction!(
          client,
          { timeoutMs: attempt.timeoutMs, own: options },
          async (tx) => {
            const result = await end(tx, await fn(tx));
            ended = { result };
            return result;
          },
        );
      } catch (error) {
        attempt.completing = false;
        if (ended && isUnheard(error) && (await wasWritten(client, attempt, asked))) return ended.result;
        if (attempt.signal.aborted || round === mostRounds || !isRefused(error)) throw error;
        await pause(Math.random() * 5 * 2 ** round);
      }
    }
  }

  /** Looks what became of a COMMIT whose answer was lost, for as long as the attempt may take. */
  async function wasWritten(client: Client, { signal }: OpenAttempt, asked: Statement): Promise<boolean> {
    for (let pauseMs = 20; !signal.aborted; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        return (await send(client, asked))[0]!.written === "true";
      } catch (error) {
        if (!isUnheard(error)) return false;
        await pause(pauseMs);
      }
    }
    return false;
  }

  /** Runs `fn` in a transaction that ends the attempt. */
  async function commit<Result>(
    client: Client,
    attempt: OpenAttempt,
    fn: (tx: Tx) => Result | Promise<Result>,
    options: unknown,
  ): Promise<Result> {
    if (attempt.commitHere) return attempt.commitHere(definition.name, fn);
    const { id, number } = attempt;
    const end = async (tx: Tx, result: Result) => {
      await complete(tx, attempt, result);
      return result;
    };
    const asked = engine.completed({ id, attempt: number });
    const result = await transact(client, attempt, fn, options, end, asked);
    attempt.committed();
    return result;
  }

  /** Runs `fn` in a transaction that records the step. */
  function perform<Answer>(
    client: Client,
    attempt: OpenAttempt,
    step: OpenStep,
    fn: (tx: Tx) => Answer | Promise<Answer>,
    options: unknown,
  ): Promise<Answer> {
    if (attempt.stepHere) return attempt.stepHere(definition.name, step, fn);
    const { id, claim } = attempt;
    const { position, name } = step;
    const end = async (tx: Tx, answer: Answer) => {
      const text = step.answerText(answer);
      const result = await attempt.storedAnswer(name, text);
      await settle(attempt, async () => {
        const input = { id, claim, position, name, result, tookMs: () => step.tookMs() };
        return readStatus(await send(tx, engine.checkpoint(input)));
      });
      return (text === null ? undefined : JSON.parse(text)) as Answer;
    };
    return transact(client, attempt, fn, options, end, engine.isRecorded({ id, position }));
  }

  async function complete(tx: Tx, attempt: OpenAttempt, result: unknown): Promise<void> {
    const { id, claim, startedMs } = attempt;
    const stored = result instanceof Snooze ? null : await attempt.storedResult(result);
    await settle(attempt, async () => {
      // A beat that no longer finds the job has nothing to say from now on: the answer to this will.
      attempt.completing = true;
      if (!(result instanceof Snooze)) {
        const input = { id, claim, startedMs, result: stored };
        return readComplete(await send(tx, engine.complete(input)));
      }
      const settlements = [{ id, claim, delayMs: result.delayMs, error: null }];
      return (await send(tx, engine.retry({ settlements })))[0]!.status as SettleStatus;
    });
  }

  /** Sends what is fenced by the attempt's claim until it is done. */
  async function settle(attempt: OpenAttempt, ask: () => Promise<SettleStatus>): Promise<void> {
    for (;;) {
      attempt.signal.throwIfAborted();
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

  const set = <Result>(job: ActiveJob, attempt: OpenAttempt, fn: (tx: Tx) => Result | Promise<Result>) =>
    withSettings(setLocal, job, attempt, engine, send, fn);

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
        run(job, attempt) {
          attempt.steps.checkEnd();
          attempt.steps.close(
            "in a transactional handler, which is one step as it is: use handle, of the same package",
          );
          const inSettings = set<unknown>(job, attempt, (tx) => run(tx, job));
          return commit(client, attempt, inSettings, options);
        },
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
            stepTx(name: unknown, fn: (tx: Tx) => unknown, options: unknown) {
              return attempt.steps.run(name, (step) =>
                perform(client, attempt, step, set(job, attempt, fn), options),
              );
            },
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
              attempt.steps.checkEnd();
              attempt.steps.close("after commit was called, which completes the job");
              committing = (async () => commit(client, attempt, set<unknown>(job, attempt, fn), options))();
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

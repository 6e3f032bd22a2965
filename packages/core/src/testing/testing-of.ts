import type { Ambient } from "../adapter/ambient.ts";
import { type Ground, groundKey } from "../adapter/ground.ts";
import type { Settings } from "../adapter/settings.ts";
import type { Verbs } from "../adapter/verbs.ts";
import { InvalidConfigurationError } from "../errors.ts";
import type { Handler } from "../handler/handler.ts";
import type { JobType } from "../job/type.ts";
import { type EnqueuedJob, type ExpectEnqueuedOptions, expectEnqueuedOn } from "./expect-enqueued.ts";
import type { PartialPayload } from "./partial-payload.ts";
import { type RunEnqueuedOptions, type RunEnqueuedResult, runEnqueuedOn } from "./run-enqueued.ts";

/** What every adapter exports for tests of applications, typed with its ORM's transactions. */
export interface TestVerbs<Tx extends object> {
  /**
   * Finds the jobs of a type that wait in the transaction `tx` and that this very transaction has enqueued, also under a
   * savepoint: those whose payload has all that `partialPayload` names, at any depth. A duplicate that a unique key kept
   * out is not among them, nor is a job that has ended.
   *
   * @returns the jobs, in the order in which they were enqueued
   * @throws NotEnqueuedError where there is none, or not as many as `times`; its message lists what is enqueued
   * @throws NotInTransactionError, InvalidRequestError before any SQL is sent
   */
  expectEnqueued<Input, Output, Result>(
    tx: Tx | Ambient<Tx>,
    jobType: JobType<Input, Output, Result>,
    partialPayload?: PartialPayload<NoInfer<Input>> | undefined,
    options?: ExpectEnqueuedOptions | undefined,
  ): Promise<EnqueuedJob<Input>[]>;
  /**
   * Runs, inside the transaction `tx`, the jobs that this very transaction has enqueued, and what they enqueue, until none
   * is left that is due and has a handler here. Each runs under a savepoint, as a worker would run it: its payload is
   * validated, and it is completed, or put off for its next attempt, or dead, in this transaction. `transactional`
   * handlers, `job.stepTx` and `job.commit` get this transaction. None runs twice in one call, but for jobs that wait in a
   * step: such a job goes on as soon as this transaction has what it waits for (an event, its children, a time up to
   * `now`).
   *
   * @returns the jobs that it ran, each as often as it did
   * @throws JobsFailedError once all have run, where handlers threw: what those wrote is rolled back, but for steps that
   * had ended, and the transaction is usable
   * @throws NotInTransactionError, NoSavepointsError, InvalidRequestError before any SQL is sent
   */
  runEnqueued(
    tx: Tx | Ambient<Tx>,
    handlers: readonly Handler[],
    options?: RunEnqueuedOptions | undefined,
  ): Promise<RunEnqueuedResult>;
  /** The same verbs, bound to other settings. @throws InvalidConfigurationError */
  configure(settings: Settings): TestVerbs<Tx>;
}

/** Makes an adapter's verbs for tests from those for its applications, with the same settings. */
export function testingOf<Tx extends object, Client extends object>(
  verbs: Pick<Verbs<Tx, Client>, "configure">,
): TestVerbs<Tx> {
  const ground = (verbs as { [groundKey]?: Ground<Tx> })[groundKey];
  if (!ground)
    throw new InvalidConfigurationError(
      "testingOf takes the verbs of an adapter: what defineAdapter or configure returned.",
    );
  return {
    expectEnqueued: expectEnqueuedOn(ground),
    runEnqueued: runEnqueuedOn(ground),
    configure: (settings) => testingOf<Tx, Client>(verbs.configure(settings)),
  };
}

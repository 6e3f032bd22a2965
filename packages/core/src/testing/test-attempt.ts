import type { Ground } from "../adapter/ground.ts";
import { InvalidDefinitionError, InvalidStepError } from "../errors.ts";
import type { Handler } from "../handler/handler.ts";
import { Snooze } from "../handler/snooze.ts";
import type { ClaimedJob } from "../postgres/claimed-job.ts";
import { Attempt } from "../worker/attempt/attempt.ts";
import { runBatch } from "../worker/attempt/batch.ts";
import type { FailOptions, Outcome } from "../worker/attempt/outcome.ts";

const refuseSteps = (attempt: Attempt): never => {
  throw new InvalidStepError(
    `${attempt}: runEnqueued runs no steps. Test a handler with steps by a worker, on a database of the test's own.`,
    attempt.name,
  );
};

/** One run of one job in a test's transaction, as a worker would run it. */
export class TestAttempt<Tx extends object> extends Attempt {
  /** What the handler threw, or what its result was refused with. */
  error: unknown;
  /** What the job was completed with. */
  result: unknown;
  #hasResult = false;
  readonly #ground: Ground<Tx>;
  readonly #tx: Tx;

  constructor(job: ClaimedJob, claim: string, handler: Handler, ground: Ground<Tx>, tx: Tx) {
    super(job, claim, handler, performance.now(), refuseSteps);
    this.#ground = ground;
    this.#tx = tx;
  }

  /** Calls the handler, and answers what came of it; never rejects. */
  run(): Promise<Outcome> {
    return new Promise((resolve) => {
      const { batch } = this.handler;
      if (batch) void runBatch([this], batch, (_, outcome) => resolve(outcome));
      else this.start((_, outcome) => resolve(outcome));
    });
  }

  override end(value: unknown): void {
    this.#keep(value);
    super.end(value);
  }

  override fail(error: unknown, wish?: FailOptions): void {
    this.error = error;
    super.fail(error, wish);
  }

  async commitHere<Result>(orm: string, fn: (tx: never) => Result | Promise<Result>): Promise<Result> {
    const { name, savepoint } = this.#ground;
    if (orm !== name)
      throw new InvalidDefinitionError(
        `${this}: its handler commits through ${orm}, and the test's transaction is one of ${name}. Run it with ` +
          `runEnqueued of ${orm}'s adapter, in a transaction of ${orm}.`,
        this.name,
      );
    const result = await savepoint!(this.#tx, async (tx) => {
      const returned = await fn(tx as never);
      if (!(returned instanceof Snooze)) this.resultText(returned);
      return returned;
    });
    this.#keep(result);
    // A handler that snoozes returns that, and no job.commit does.
    if (!(result instanceof Snooze)) this.committed();
    return result;
  }

  /** The first stays: that of `job.commit`, whatever its handler returns. */
  #keep(result: unknown): void {
    if (!this.#hasResult) this.result = result;
    this.#hasResult = true;
  }
}

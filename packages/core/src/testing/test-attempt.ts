import type { Ground } from "../adapter/ground.ts";
import { InvalidDefinitionError, InvalidStepError } from "../errors.ts";
import type { OpenStep } from "../handler/durable.ts";
import type { Handler } from "../handler/handler.ts";
import { Snooze } from "../handler/snooze.ts";
import type { ClaimedJob } from "../postgres/claimed-job.ts";
import { Attempt } from "../worker/attempt/attempt.ts";
import { runBatch } from "../worker/attempt/batch.ts";
import type { FailOptions, Outcome } from "../worker/attempt/outcome.ts";
import { Stretches } from "./stretches.ts";
import { TestLedger } from "./test-ledger.ts";

/** One run of one job in a test's transaction, as a worker would run it. */
export class TestAttempt<Tx extends object> extends Attempt {
  /** What the handler threw, or what its result was refused with. */
  error: unknown;
  /** What the job was completed with. */
  result: unknown;
  /** It waits in a step. */
  asleep = false;
  #hasResult = false;
  #outcome: Outcome | undefined;
  readonly #ground: Ground<Tx>;
  readonly #ledger: TestLedger<Tx>;
  readonly #stretches: Stretches<Tx>;

  constructor(job: ClaimedJob, claim: string, handler: Handler, ground: Ground<Tx>, now: string | null) {
    super(job, claim, handler, performance.now(), () => this.#ledger);
    this.#ground = ground;
    this.#stretches = new Stretches(() =>
      this.#outcome === undefined
        ? undefined
        : new InvalidStepError(
            `${this}: its attempt has ended, and what goes on in it writes nothing.`,
            this.name,
          ),
    );
    this.#ledger = new TestLedger(this, ground, this.#stretches, now);
  }

  /**
   * Calls the handler, or has it go on, until it has ended, or has written what is kept whatever becomes of it; answers
   * the outcome in the former case. Never rejects.
   */
  async run(tx: Tx): Promise<Outcome | undefined> {
    await this.#stretches.run(tx, () => {
      const onEnd = (_: unknown, outcome: Outcome) => {
        this.#outcome = outcome;
        this.#stretches.end();
      };
      const { batch } = this.handler;
      if (batch) void runBatch([this], batch, onEnd);
      else this.start(onEnd);
    });
    return this.#stretches.paused ? undefined : this.#outcome;
  }

  override end(value: unknown): void {
    this.#keep(value);
    super.end(value);
  }

  override fail(error: unknown, wish?: FailOptions): void {
    this.error = error;
    super.fail(error, wish);
  }

  override suspend(ms: number): void {
    this.asleep = this.handling;
    super.suspend(ms);
  }

  async commitHere<Result>(orm: string, fn: (tx: never) => Result | Promise<Result>): Promise<Result> {
    this.#checkOrm(orm);
    const result = await this.#ground.savepoint!(this.#stretches.tx, async (tx) => {
      const returned = await fn(tx as never);
      if (!(returned instanceof Snooze)) this.resultText(returned);
      return returned;
    });
    this.#keep(result);
    // A handler that snoozes returns that, and no job.commit does.
    if (!(result instanceof Snooze)) this.committed();
    return result;
  }

  async stepHere<Answer>(
    orm: string,
    step: OpenStep,
    fn: (tx: never) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    this.#checkOrm(orm);
    return this.#stretches.keep((stretch) =>
      this.#ground.savepoint!(stretch, async (tx) => {
        const text = step.answerText(await fn(tx as never));
        const result = await this.storedAnswer(step.name, text);
        await this.#ledger.write(tx, step, { result, error: null, effects: true });
        return text === null ? undefined : JSON.parse(text);
      }),
    );
  }

  #checkOrm(orm: string): void {
    const { name } = this.#ground;
    if (orm === name) return;
    throw new InvalidDefinitionError(
      `${this}: its handler commits through ${orm}, and the test's transaction is one of ${name}. Run it with ` +
        `runEnqueued of ${orm}'s adapter, in a transaction of ${orm}.`,
      this.name,
    );
  }

  /** The first stays: that of `job.commit`, whatever its handler returns. */
  #keep(result: unknown): void {
    if (!this.#hasResult) this.result = result;
    this.#hasResult = true;
  }
}

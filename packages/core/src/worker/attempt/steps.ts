import { isTellable } from "../../codec/tellable.ts";
import { defaults } from "../../defaults.ts";
import { InvalidStepError, type PillionError, StepFailedError, StepsChangedError } from "../../errors.ts";
import type { OpenStep, OpenSteps } from "../../handler/durable.ts";
import { nameIssueOf } from "../../job/names.ts";
import { jsonIssueOf, utf8Bytes } from "../../json.ts";
import type { StoredError } from "../../postgres/discard.ts";
import type { RecordedStep, StepKind } from "../../postgres/steps.ts";
import type { Attempt } from "./attempt.ts";
import { toStoredError } from "./outcome.ts";
import { withheld } from "./withheld.ts";

/** A step that has begun in this attempt. */
export class Step implements OpenStep {
  /** Until it is to go on, in milliseconds, where it waits for that without its slot. */
  waitsMs: number | undefined;
  readonly #begunAt = performance.now();

  constructor(
    private readonly steps: Steps,
    readonly kind: StepKind,
    readonly position: number,
    readonly name: string,
  ) {}

  tookMs(): number {
    return performance.now() - this.#begunAt;
  }

  answerText(answer: unknown): string | null {
    this.steps.check();
    if (answer === undefined) return null;
    const issue = jsonIssueOf(answer);
    if (issue !== undefined)
      throw this.steps.invalid(
        this.name,
        `its answer ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}${issue.message}`,
      );
    const text = JSON.stringify(answer);
    const bytes = text.length * 3 > defaults.maxPayloadBytes ? utf8Bytes(text) : 0;
    if (bytes > defaults.maxPayloadBytes)
      throw this.steps.invalid(
        this.name,
        `its answer has ${bytes} bytes of JSON; at most ${defaults.maxPayloadBytes} are allowed. Store the data, and answer a reference to it`,
      );
    return text;
  }
}

/**
 * The steps of one attempt: gives those that earlier attempts have recorded their answers again, has the others run and
 * recorded, and holds them to the order of the earlier attempts. Steps that are started in one go run side by side;
 * else each begins when the one before has ended, so that their order is the same in every attempt.
 */
export class Steps implements OpenSteps {
  readonly #recorded = new Map<number, RecordedStep>();
  readonly #counts = new Map<string, number>();
  readonly #open = new Set<Step>();
  /** Steps that have failed in this attempt: recorded once the handler goes on behind them. */
  #failed: { readonly step: Step; readonly error: unknown }[] = [];
  /** Names of the steps that begin in this turn of the event loop. */
  #together: Set<string> | undefined;
  #position = 0;
  #refused: PillionError | undefined;
  #closed: string | undefined;

  constructor(private readonly attempt: Attempt) {}

  /** Reads what earlier attempts have recorded, and what has become of what they waited for. */
  async load(): Promise<void> {
    // Of two answers on their way the older may come last.
    for (const step of await this.attempt.ledger.read())
      if (!this.#recorded.get(step.position)?.done) this.#recorded.set(step.position, step);
  }

  run<Answer>(name: unknown, perform: (step: OpenStep) => Promise<Answer>): Promise<Answer> {
    return this.#enter("step", name, (step) => perform(step)) as Promise<Answer>;
  }

  /**
   * Has the attempt wait without its slot: `begin` records for what. Answers what it came to, or never: then the attempt
   * has ended, and the next one comes by here again. `judge` throws where the wait has failed.
   */
  wait(
    kind: StepKind,
    name: unknown,
    begin: (step: Step) => Promise<void>,
    judge: (recorded: RecordedStep) => void,
  ): Promise<unknown> {
    return this.#enter(kind, name, async (step, recorded) => {
      if (!recorded) {
        await begin(step);
        await this.load();
      }
      const now = this.#recorded.get(step.position)!;
      if (now.done) return now.result;
      judge(now);
      step.waitsMs = now.delayMs ?? Number.POSITIVE_INFINITY;
      this.#rest();
      return new Promise(() => {});
    });
  }

  checkEnd(): void {
    this.check();
    for (const { name } of this.#open)
      throw this.invalid(name, "was still under way when its handler returned. Await each step");
    for (const { position, name } of this.#recorded.values())
      if (position > this.#position)
        throw this.changed(
          `${position} was "${name}" in an earlier attempt, and the handler has returned without it`,
        );
  }

  close(why: string): void {
    this.#closed ??= why;
  }

  /** @throws what has been refused before: no step goes on behind it */
  check(): void {
    if (this.#refused) throw this.#refused;
  }

  /** The error of a step that cannot be. Whatever the handler makes of it, the attempt has failed. */
  invalid(name: unknown, what: string): InvalidStepError {
    return this.#refuse(
      new InvalidStepError(
        `${this.attempt}: step "${String(name).slice(0, 200)}" ${what}.`,
        this.attempt.name,
      ),
    );
  }

  changed(what: string): StepsChangedError {
    return this.#refuse(
      new StepsChangedError(`${this.attempt}: step ${what}. ${mending}`, this.attempt.name),
    );
  }

  #refuse<Refused extends PillionError>(error: Refused): Refused {
    this.#refused ??= error;
    return error;
  }

  async #enter(
    kind: StepKind,
    name: unknown,
    perform: (step: Step, recorded: RecordedStep | undefined) => Promise<unknown>,
  ): Promise<unknown> {
    this.check();
    if (this.attempt.handler.batch)
      throw this.invalid(name, "cannot be: a handler of many jobs has no steps");
    const step = this.#begin(kind, name);
    const recorded = this.#find(step);
    if (recorded?.error) {
      const error = await this.attempt.readError(recorded.error);
      throw new StepFailedError(
        `${this.attempt}: step "${step.name}" has failed in an earlier attempt: ${error.name}: ${error.message}`,
        this.attempt.name,
        error,
      );
    }
    if (recorded?.done) {
      // What an event carried, and what children left, their own types read.
      const { result } = recorded;
      return (kind === "step" ? await this.attempt.readAnswer(step.name, result) : result) ?? undefined;
    }
    this.#open.add(step);
    try {
      await this.#recordFailures();
      await this.attempt.ledger.open();
      const answer = await perform(step, recorded);
      this.check();
      return answer;
    } catch (error) {
      if (this.attempt.handling) this.#failed.push({ step, error });
      throw error;
    } finally {
      this.#open.delete(step);
      this.#rest();
    }
  }

  /** Runs in the turn in which the handler calls. */
  #begin(kind: StepKind, given: unknown): Step {
    const issue =
      nameIssueOf(given) ??
      (/#\d+$/.test(String(given)) ? "ends like the number of a step in a loop" : undefined);
    if (issue !== undefined) throw this.invalid(given, `cannot be: its name ${issue}`);
    const name = given as string;
    if (!this.attempt.handling) throw this.invalid(name, "began after its handler had ended");
    if (this.#closed !== undefined) throw this.invalid(name, `began ${this.#closed}`);
    if (this.#open.size > 0 && !this.#together)
      throw this.invalid(
        name,
        `began while step "${[...this.#open][0]!.name}" was under way. Steps do not nest: await each, or start together ` +
          "those that are to run side by side",
      );
    if (this.#together?.has(name))
      throw this.invalid(name, "was started twice side by side. Give each a name of its own");
    if (!this.#together) {
      this.#together = new Set();
      queueMicrotask(() => {
        this.#together = undefined;
      });
    }
    this.#together.add(name);
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return new Step(this, kind, ++this.#position, count === 1 ? name : `${name}#${count}`);
  }

  /** What an earlier attempt has recorded of it. */
  #find(step: Step): RecordedStep | undefined {
    const recorded = this.#recorded.get(step.position);
    if (recorded && (recorded.name !== step.name || recorded.kind !== step.kind))
      throw this.changed(
        `${step.position} is "${step.name}"${kindOf(step.kind)}, and was "${recorded.name}"${kindOf(recorded.kind)} in an earlier attempt`,
      );
    return recorded;
  }

  async #recordFailures(): Promise<void> {
    for (const { step, error } of this.#failed.splice(0))
      await this.attempt.ledger.record(step, null, JSON.stringify(await this.#storedError(error)));
  }

  #storedError(error: unknown): StoredError | Promise<StoredError> {
    const detail = toStoredError(error);
    if (isTellable(this.attempt.handler.jobType, error)) return detail;
    return this.attempt.storedError({ error: withheld(error, detail), detail });
  }

  /** Ends the attempt where all that is under way waits without a slot. */
  #rest(): void {
    const resting = () =>
      this.#open.size > 0 && [...this.#open].every(({ waitsMs }) => waitsMs !== undefined);
    if (!resting()) return;
    // A step that has failed beside them has the word first.
    setImmediate(() => {
      if (!resting()) return;
      // What a step beside it has read by now is told nobody else.
      const waits = [...this.#open].map(({ position, waitsMs }) =>
        this.#recorded.get(position)?.done ? 0 : waitsMs!,
      );
      this.attempt.suspend(Math.min(...waits));
    });
  }
}

const mending =
  "The steps of a job keep their names and their order until it has ended. Run it with the code it began with, or give " +
  "the job type a new version.";

const kindOf = (kind: StepKind) => (kind === "step" ? "" : ` (${kind})`);

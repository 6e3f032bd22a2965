import { setTimeout as pause } from "node:timers/promises";
import { PillionError } from "../../errors.ts";
import type { OpenStep } from "../../handler/durable.ts";
import type { SettleStatus } from "../../postgres/fence.ts";
import { isUnheard } from "../../postgres/refused.ts";
import { type BeginWaitInput, type RecordedStep, readStatus, readStepsAnswer } from "../../postgres/steps.ts";
import type { Link } from "../link.ts";
import type { Attempt } from "./attempt.ts";
import type { StepWriter } from "./step-writer.ts";

/** A step, as it is recorded. */
export type Entry = Omit<OpenStep, "answerText">;

/** Where an attempt's steps are stored. */
export type StepLedger = Pick<Ledger, "open" | "record" | "wait" | "read">;
/** What a step waits for. */
export type Awaited = Pick<BeginWaitInput, "untilMs" | "until" | "event" | "jobs">;

/** What is stored of an attempt's steps. Each write is fenced by the attempt's claim. */
export class Ledger {
  constructor(
    private readonly attempt: Attempt,
    private readonly link: Link,
    private readonly writer: StepWriter,
    /** Told at the first step. */
    private readonly onOpen: () => void,
  ) {}

  /** A job with steps has a row of its own. */
  async open(): Promise<void> {
    this.onOpen();
    await this.writer.open(this.attempt);
  }

  async record(step: Entry, result: string | null, error: string | null): Promise<void> {
    const { id, claim } = this.attempt;
    const { kind, position, name } = step;
    const tookMs = () => step.tookMs();
    await this.#say(() => this.writer.record({ id, claim, kind, position, name, result, error, tookMs }));
  }

  async wait({ kind, position, name }: Entry, what: Awaited): Promise<void> {
    const { id, claim } = this.attempt;
    const input = { id, claim, kind, position, name, ...what };
    await this.#say(async () => readStatus(await this.link.run(this.link.engine.beginWait, input)));
  }

  /** All that is recorded, and what has become of what is waited for. */
  async read(): Promise<readonly RecordedStep[]> {
    const { id, claim } = this.attempt;
    let steps: readonly RecordedStep[] = [];
    let again = true;
    while (again)
      await this.#say(async () => {
        const answer = readStepsAnswer(await this.link.run(this.link.engine.readSteps, { id, claim }));
        ({ steps, again } = answer);
        return answer.status;
      });
    return steps;
  }

  /** Each may be said twice, and is until it is heard: for as long as the attempt may take. */
  async #say(write: () => Promise<SettleStatus>): Promise<void> {
    const { signal } = this.attempt;
    for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      signal.throwIfAborted();
      try {
        const status = await write();
        if (status === "done") return;
        if (status === "lost") throw this.attempt.loseLease();
        // Somebody has the job's row for a moment, to cancel it perhaps.
        pauseMs = 10;
      } catch (error) {
        if (signal.aborted || PillionError.is(error) || !isUnheard(error)) throw error;
      }
      await pause(pauseMs);
    }
  }
}

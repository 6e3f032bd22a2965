import type { Completion, StepAnswer } from "../../postgres/step.ts";
import type { Logger } from "../logger.ts";
import type { Attempt } from "./attempt.ts";
import type { Written } from "./outcome.ts";

/** An attempt that has ended with success. */
export interface Pending {
  readonly attempt: Attempt;
  readonly completion: Completion;
  /** It has been sent before, and nobody knows what came of it. */
  unsure: boolean;
}

/** Completions that are still to be written: each step takes along what there is. */
export class Completions {
  #pending: Pending[] = [];
  #givenUp = false;

  constructor(
    private readonly logger: Logger,
    private readonly onWritten: (attempt: Attempt, written: Written) => void,
  ) {}

  get waiting(): number {
    return this.#pending.length;
  }

  add(attempt: Attempt, result: unknown): void {
    const { id, claim, place, startedMs } = attempt;
    this.#pending.push({ attempt, completion: { id, claim, place, startedMs, result }, unsure: false });
  }

  take(most: number): readonly Pending[] {
    return this.#pending.splice(0, most);
  }

  /** The statement failed: perhaps after it was committed. */
  putBack(taken: readonly Pending[]): void {
    for (const pending of taken) pending.unsure = true;
    this.#pending.unshift(...taken);
    if (this.#givenUp) this.giveUp();
  }

  settle(taken: readonly Pending[], { busy, lost, busyBatches, lostBatches }: StepAnswer): void {
    for (const pending of taken) {
      const { attempt, completion, unsure } = pending;
      const [isBusy, isLost] = completion.place
        ? [busyBatches.includes(attempt.claim), lostBatches.includes(attempt.claim)]
        : [busy.includes(attempt.id), lost.includes(attempt.id)];
      if (isBusy) {
        this.#pending.push(pending);
        continue;
      }
      if (isLost && completion.place) {
        // Somebody has begun to take the claim apart: the job may have a row of its own by now, and still be ours.
        this.#pending.push({ attempt, completion: { ...completion, place: undefined }, unsure });
        continue;
      }
      if (isLost && !unsure)
        this.logger.warn(
          `${attempt} ended after its lease had passed on: its outcome (complete) was not written`,
        );
      this.onWritten(attempt, isLost ? "lost" : "done");
    }
  }

  /** Tries none again that the database does not take; one that is under way may still be taken. */
  giveUp(): void {
    this.#givenUp = true;
    for (const { attempt } of this.#pending.splice(0)) this.onWritten(attempt, "unknown");
  }
}

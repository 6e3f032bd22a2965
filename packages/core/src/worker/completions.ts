import type { Completion, StepAnswer } from "../postgres/step.ts";
import type { Attempt } from "./attempt.ts";
import type { Logger } from "./logger.ts";

interface Pending {
  readonly attempt: Attempt;
  readonly completion: Completion;
  /** It has been sent before, and nobody knows what came of it. */
  unsure: boolean;
}

/** Completions that are still to be written: each step takes along what there is. */
export class Completions {
  #pending: Pending[] = [];

  constructor(
    private readonly logger: Logger,
    private readonly onWritten: (attempt: Attempt) => void,
  ) {}

  get waiting(): number {
    return this.#pending.length;
  }

  add(attempt: Attempt, completion: Completion): void {
    this.#pending.push({ attempt, completion, unsure: false });
  }

  take(most: number): readonly Pending[] {
    return this.#pending.splice(0, most);
  }

  /** The statement failed: perhaps after it was committed. */
  putBack(taken: readonly Pending[]): void {
    for (const pending of taken) pending.unsure = true;
    this.#pending.unshift(...taken);
  }

  settle(taken: readonly Pending[], { busy, lost }: StepAnswer): void {
    const unwritten = busy.length + lost.length === 0 ? undefined : new Set([...busy, ...lost]);
    for (const pending of taken) {
      const { attempt, unsure } = pending;
      if (unwritten?.has(attempt.id)) {
        if (busy.includes(attempt.id)) {
          this.#pending.push(pending);
          continue;
        }
        if (!unsure)
          this.logger.warn(
            `${attempt} ended after its lease had passed on: its outcome (complete) was not written`,
          );
      }
      this.onWritten(attempt);
    }
  }

  giveUp(): void {
    for (const { attempt } of this.#pending.splice(0)) this.onWritten(attempt);
  }
}

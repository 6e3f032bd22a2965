import type { SettleStatus } from "../../postgres/fence.ts";
import { isUnheard } from "../../postgres/refused.ts";
import { type RecordInput, readCheckpoints } from "../../postgres/steps.ts";
import type { Link } from "../link.ts";
import type { Attempt } from "./attempt.ts";
import { Gathering } from "./gathering.ts";

const mostAtOnce = 500;
const mostCharacters = 8_388_608;

/**
 * Writes steps of all attempts of a worker, in as few statements as they leave room for. Whoever is answered is on the
 * disk: each step waits for its own commit, and many share one.
 */
export class StepWriter {
  readonly #opened: Gathering<Attempt, undefined>;
  readonly #recorded: Gathering<RecordInput, SettleStatus>;

  constructor(private readonly link: Link) {
    this.#opened = new Gathering(
      async (attempts) => {
        await link.unpackSoon(attempts);
        return attempts.map(() => undefined);
      },
      (attempts) => Math.min(attempts.length, mostAtOnce),
    );
    this.#recorded = new Gathering((steps) => this.#record(steps), fitting);
  }

  /** Gives an attempt's job a row of its own, where one row holds all of its claim. */
  async open(attempt: Attempt): Promise<void> {
    if (attempt.place !== undefined) await this.#opened.add(attempt);
  }

  record(step: RecordInput): Promise<SettleStatus> {
    return this.#recorded.add(step);
  }

  async #record(steps: readonly RecordInput[]): Promise<readonly (SettleStatus | Promise<SettleStatus>)[]> {
    const { link } = this;
    try {
      return readCheckpoints(await link.run(link.engine.checkpoints, steps), steps.length);
    } catch (error) {
      if (steps.length === 1 || isUnheard(error)) throw error;
      // One that Postgres refuses must not be another's failure.
      return steps.map(async (step) => (await this.#record([step]))[0]!);
    }
  }
}

/** At least one. */
function fitting(steps: readonly RecordInput[]): number {
  let characters = 0;
  for (const [index, { result, error }] of steps.slice(0, mostAtOnce).entries()) {
    characters += (result?.length ?? 0) + (error?.length ?? 0);
    if (characters > mostCharacters) return Math.max(index, 1);
  }
  return Math.min(steps.length, mostAtOnce);
}

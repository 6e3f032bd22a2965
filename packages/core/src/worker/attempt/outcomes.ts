import type { Discard } from "../../postgres/discard.ts";
import type { Settlement } from "../../postgres/fence.ts";
import type { Retry } from "../../postgres/retry.ts";
import type { Link } from "../link.ts";
import type { Logger } from "../logger.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome, Written } from "./outcome.ts";
import { SettleQueue } from "./settle-queue.ts";

/** Writes what became of attempts that did not complete: each kind of outcome in statements that take many at once. */
export class Outcomes {
  readonly #retry: SettleQueue<Retry>;
  readonly #discard: SettleQueue<Discard>;
  readonly #release: SettleQueue<Settlement>;

  constructor(link: Link, logger: Logger) {
    const { engine } = link;
    this.#retry = new SettleQueue("retry", engine.retry, link, logger);
    this.#discard = new SettleQueue("discard", engine.discard, link, logger);
    this.#release = new SettleQueue("release", engine.release, link, logger);
  }

  async write(attempt: Attempt, outcome: Outcome): Promise<Written> {
    const { id, claim } = attempt;
    switch (outcome.verb) {
      case "retry": {
        const error = outcome.detail ? await attempt.storedError(outcome) : outcome.error;
        return this.#retry.settle(attempt, { id, claim, delayMs: outcome.delayMs, error });
      }
      case "snooze":
        return this.#retry.settle(attempt, { id, claim, delayMs: outcome.delayMs, error: null });
      case "discard": {
        const error = outcome.detail ? await attempt.storedError(outcome) : outcome.error;
        return this.#discard.settle(attempt, { id, claim, state: "dead", error });
      }
      case "cancel":
        return this.#discard.settle(attempt, { id, claim, state: "cancelled", error: outcome.error });
      case "expire":
        return this.#discard.settle(attempt, { id, claim, state: "cancelled", error: expired });
      case "release":
        return this.#release.settle(attempt, { id, claim });
      case "complete":
      case "committed":
      case "nothing":
        return "done";
    }
  }

  /** Tries no outcome again that the database does not take. */
  giveUp(): void {
    for (const queue of [this.#retry, this.#discard, this.#release]) queue.giveUp();
  }
}

const expired = {
  name: "JobExpiredError",
  code: "JOB_EXPIRED",
  message: "It was not started before the time that its startBefore names, and so was not run.",
};

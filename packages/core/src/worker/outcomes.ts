import type { Completion } from "../postgres/complete.ts";
import type { Discard } from "../postgres/discard.ts";
import type { Settlement } from "../postgres/fence.ts";
import type { Retry } from "../postgres/retry.ts";
import type { Attempt, Outcome } from "./attempt.ts";
import type { Link } from "./link.ts";
import type { Logger } from "./logger.ts";
import { SettleQueue } from "./settle-queue.ts";

/** Writes what became of attempts: each kind of outcome in statements that take many at once. */
export class Outcomes {
  readonly #complete: SettleQueue<Completion>;
  readonly #retry: SettleQueue<Retry>;
  readonly #discard: SettleQueue<Discard>;
  readonly #release: SettleQueue<Settlement>;

  constructor(link: Link, logger: Logger) {
    const { engine } = link;
    this.#complete = new SettleQueue("complete", engine.complete, link, logger);
    this.#retry = new SettleQueue("retry", engine.retry, link, logger);
    this.#discard = new SettleQueue("discard", engine.discard, link, logger);
    this.#release = new SettleQueue("release", engine.release, link, logger);
  }

  /** Answers `lost` where another claim holds the job by now; `unknown` where giveUp came first. */
  async write({ id, claim }: Attempt, outcome: Outcome): Promise<"done" | "lost" | "unknown"> {
    switch (outcome.verb) {
      case "complete":
        return this.#complete.settle({ id, claim, result: outcome.result });
      case "retry":
        return this.#retry.settle({ id, claim, delayMs: outcome.delayMs, error: outcome.error });
      case "discard":
        return this.#discard.settle({ id, claim, error: outcome.error });
      case "release":
        return this.#release.settle({ id, claim });
      case "nothing":
        return "done";
    }
  }

  /** Tries no outcome again that the database does not take. */
  giveUp(): void {
    for (const queue of [this.#complete, this.#retry, this.#discard, this.#release]) queue.giveUp();
  }
}

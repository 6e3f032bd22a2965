import type { Attempt } from "../attempt/attempt.ts";
import { Completions } from "../attempt/completions.ts";
import { type Outcome, recorded, type Written } from "../attempt/outcome.ts";
import { Outcomes } from "../attempt/outcomes.ts";
import type { Link } from "../link.ts";
import { type Logger, oneLine, silentLogger } from "../logger.ts";
import { Signal } from "../signal.ts";
import { workerLabel } from "../worker-label.ts";

/** Writes what became of attempts, and tells of each whether it is written. */
export class Endings {
  readonly completions: Completions;
  readonly #outcomes: Outcomes;
  readonly #completing = new Map<Attempt, (written: Written) => void>();
  readonly #pause = new Signal();
  #flushing = false;
  #givenUp = false;

  constructor(
    private readonly link: Link,
    private readonly logger: Logger,
    /** Writes the completions that wait. */
    private readonly step: () => Promise<unknown>,
  ) {
    this.#outcomes = new Outcomes(link, logger);
    // What is lost is told to whoever completes.
    this.completions = new Completions(silentLogger, (attempt, written) => {
      this.#completing.get(attempt)?.(written);
      this.#completing.delete(attempt);
    });
  }

  /** Never rejects: while the database is away, it is tried again. */
  async write(attempt: Attempt, outcome: Outcome): Promise<Written> {
    if (outcome.verb === "nothing" || outcome.verb === "committed") return "lost";
    const written = await (outcome.verb === "complete"
      ? this.#complete(attempt, outcome.result)
      : this.#outcomes.write(attempt, outcome));
    // It may have been written by a statement whose answer was lost on its way.
    return written === "lost" && (await this.#isOnRecord(attempt, recorded[outcome.verb])) ? "done" : written;
  }

  /** Writes completions that wait; also those that a claim took along and could not write. */
  flush(): void {
    if (!this.#flushing) void this.#flush();
  }

  /** Tries no ending again that the database does not take. */
  giveUp(): void {
    this.#givenUp = true;
    this.#pause.notify();
    this.#outcomes.giveUp();
    this.completions.giveUp();
  }

  #complete(attempt: Attempt, result: unknown): Promise<Written> {
    return new Promise((resolve) => {
      this.#completing.set(attempt, resolve);
      this.completions.add(attempt, result);
      this.flush();
    });
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    // What is said in one turn of the event loop is written together.
    await new Promise(setImmediate);
    let pauseMs = 0;
    while (this.completions.waiting > 0 && !this.#givenUp) {
      const { waiting } = this.completions;
      try {
        await this.step();
      } catch (error) {
        this.logger.warn(`could not complete ${waiting} jobs, trying again: ${oneLine(error)}`);
      }
      if (this.completions.waiting === 0) break;
      pauseMs = this.completions.waiting < waiting ? 0 : Math.min(Math.max(pauseMs * 2, 20), 2_000);
      await this.#pause.wait(pauseMs);
    }
    if (this.#givenUp) this.completions.giveUp();
    this.#flushing = false;
  }

  async #isOnRecord({ id, number }: Attempt, outcome: string): Promise<boolean> {
    try {
      const [row] = await this.link.run(this.link.engine.findJob, { id });
      const attempts = JSON.parse(row?.attempts ?? "[]") as Record<
        "attempt" | "worker" | "outcome",
        unknown
      >[];
      return attempts.some(
        (one) => one.attempt === number && one.worker === workerLabel() && one.outcome === outcome,
      );
    } catch {
      return false;
    }
  }
}

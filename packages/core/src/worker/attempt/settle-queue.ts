import type { SettleInput, Settlement, SettleStatus } from "../../postgres/fence.ts";
import type { Place } from "../../postgres/step.ts";
import type { StatementOf } from "../../statement.ts";
import type { Link } from "../link.ts";
import { type Logger, oneLine } from "../logger.ts";
import { Signal } from "../signal.ts";
import type { Written } from "./outcome.ts";

interface Packed {
  readonly id: string;
  readonly claim: string;
  place?: Place | undefined;
}

interface Pending<S> {
  readonly attempt: Packed;
  readonly settlement: S;
  readonly resolve: (status: Written) => void;
}

const mostAtOnce = 500;

/**
 * Writes outcomes of attempts, many in one statement: what comes while a statement is under way goes with the
 * next. A row that somebody has locked is tried again, and so is everything while the database is away.
 */
export class SettleQueue<S extends Settlement> {
  #pending: Pending<S>[] = [];
  #running: Promise<void> | undefined;
  #pause = new Signal();
  #givenUp = false;

  constructor(
    private readonly verb: string,
    private readonly statement: StatementOf<SettleInput<S>>,
    private readonly link: Link,
    private readonly logger: Logger,
  ) {}

  settle(attempt: Packed, settlement: S): Promise<Written> {
    return new Promise((resolve) => {
      this.#pending.push({ attempt, settlement, resolve });
      this.#running ??= this.#flush().finally(() => {
        this.#running = undefined;
      });
    });
  }

  /** Stops trying again: what is not written then stays with the lease. */
  giveUp(): void {
    this.#givenUp = true;
    this.#pause.notify();
  }

  async #flush(): Promise<void> {
    // What is announced in one turn of the event loop goes together.
    await new Promise(setImmediate);
    let pauseMs = 0;
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, mostAtOnce);
      const left = await this.#write(batch);
      this.#pending.push(...left);
      if (this.#givenUp) {
        for (const { resolve } of this.#pending.splice(0)) resolve("unknown");
        return;
      }
      pauseMs = left.length === batch.length ? Math.min(Math.max(pauseMs * 2, 20), 2_000) : 0;
      if (left.length > 0) await this.#pause.wait(Math.max(pauseMs, 20));
    }
  }

  /** Returns what must be tried again. */
  async #write(batch: readonly Pending<S>[]): Promise<readonly Pending<S>[]> {
    try {
      await this.link.unpack(batch.map(({ attempt }) => attempt));
      const rows = await this.link.run(this.statement, {
        settlements: batch.map(({ settlement }) => settlement),
      });
      const statuses = new Map(rows.map((row) => [`${row.id}:${row.claim}`, row.status as SettleStatus]));
      return batch.filter(({ attempt, settlement, resolve }) => {
        // Its claim was locked: it has no row yet.
        if (attempt.place !== undefined) return true;
        const status = statuses.get(`${settlement.id}:${settlement.claim}`) ?? "busy";
        if (status === "busy") return true;
        resolve(status);
        return false;
      });
    } catch (error) {
      if (!this.#givenUp)
        this.logger.warn(`could not ${this.verb} ${batch.length} jobs, trying again: ${oneLine(error)}`);
      return batch;
    }
  }
}

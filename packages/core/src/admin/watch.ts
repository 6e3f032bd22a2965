import type { Row } from "../statement.ts";
import type { Link } from "../worker/link.ts";

interface Waiter {
  readonly id: string;
  readonly name: string;
  /** Takes the job's row, or undefined where there is no such job. */
  readonly settle: (row: Row | undefined) => void;
  readonly fail: (error: unknown) => void;
  /** False for one look, whatever it finds. */
  readonly again: boolean;
  gapMs: number;
  dueAt: number;
}

/** Between two looks of one waiter: 50 ms at first, then twice as long each time. */
const firstGapMs = 50;
const longestGapMs = 500;
const idsAtOnce = 1_000;
const finals = ["completed", "dead", "cancelled"];

/** Looks at jobs at growing gaps until they have ended: one statement for all that are due, at most one at a time. */
export class Watch {
  readonly #waiters = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly link: Link) {}

  /**
   * The row of the job once it has ended, or is of another name; undefined where there is none. Without `again` the
   * row as it is now.
   */
  async ending(
    id: string,
    name: string,
    abandoned: Promise<never>,
    again: boolean,
  ): Promise<Row | undefined> {
    let waiter: Waiter | undefined;
    const ended = new Promise<Row | undefined>((settle, fail) => {
      waiter = { id, name, settle, fail, again, gapMs: firstGapMs, dueAt: performance.now() };
      this.#waiters.add(waiter);
      this.#schedule();
    });
    try {
      return await Promise.race([ended, abandoned]);
    } finally {
      this.#waiters.delete(waiter!);
      this.#schedule();
    }
  }

  /** Ends every wait with this error. */
  close(error: Error): void {
    for (const { fail } of this.#waiters) fail(error);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#looking || this.#waiters.size === 0) return;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) dueAt = Math.min(dueAt, waiter.dueAt);
    const at = Math.max(dueAt, this.#lookedAt + firstGapMs);
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, Math.ceil(at - performance.now())));
  }

  async #look(): Promise<void> {
    const now = performance.now();
    const due = [...this.#waiters].filter(({ dueAt }) => dueAt <= now).slice(0, idsAtOnce);
    // A timer may be a little early.
    if (due.length === 0) return this.#schedule();
    this.#looking = true;
    this.#lookedAt = now;
    try {
      const ids = due.map(({ id }) => id);
      const rows = new Map(
        (await this.link.run(this.link.engine.findEndings, { ids })).map((row) => [row.id!, row]),
      );
      for (const waiter of due) this.#judge(waiter, rows.get(waiter.id));
    } catch (error) {
      for (const { fail } of due) fail(error);
    }
    this.#looking = false;
    this.#schedule();
  }

  #judge(waiter: Waiter, row: Row | undefined): void {
    if (!row || !waiter.again || row.name !== waiter.name || finals.includes(row.state!)) waiter.settle(row);
    waiter.dueAt = performance.now() + waiter.gapMs;
    waiter.gapMs = Math.min(2 * waiter.gapMs, longestGapMs);
  }
}

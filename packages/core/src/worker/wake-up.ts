import type { Session } from "../database.ts";
import type { Link } from "./link.ts";
import { type Logger, oneLine } from "./logger.ts";
import type { Signal } from "./signal.ts";

const reconnectMs = 1_000;

/**
 * Says on a connection of its own that this worker sleeps, so that a commit wakes it. A hint, never more: without
 * the connection, or when another worker says it already, the worker polls.
 *
 * Saying so is an advisory lock per queue, which the guard trigger tries at each COMMIT. The order matters: first
 * the lock, then one more look for jobs, then sleep.
 */
export class WakeUp {
  #session: Session | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;
  #asleep = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly link: Link,
    private readonly open: (() => Promise<Session>) | undefined,
    private readonly queues: readonly string[],
    private readonly wake: Signal,
    private readonly logger: Logger,
  ) {}

  /** Connects, now and again after each loss; never throws. */
  async connect(): Promise<void> {
    if (!this.open || this.#closed) return;
    this.#opening ??= this.#connect(this.open).finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /** Says that this worker sleeps; false where a wake-up cannot be counted on. Look for jobs once more after it. */
  async fallAsleep(): Promise<boolean> {
    if (this.#asleep) return true;
    if (!this.#session) return false;
    try {
      const rows = await this.#session.query(
        `select bool_and(pg_try_advisory_lock('${this.#job}'::regclass::oid::int4, hashtext(q)))::text as locked
         from json_array_elements_text($1::text::json) q`,
        [JSON.stringify(this.queues)],
      );
      this.#asleep = true;
      return rows[0]?.locked === "true";
    } catch {
      return false;
    }
  }

  /** Takes it back: from now on commits wake nobody, because this worker looks by itself. */
  wakeUp(): void {
    if (!this.#asleep) return;
    this.#asleep = false;
    this.#session?.query("select pg_advisory_unlock_all()").catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#opening;
    await this.#session?.close();
    this.#session = undefined;
  }

  get #job(): string {
    return this.link.engine.schema.job.replaceAll("'", "''");
  }

  async #connect(open: () => Promise<Session>): Promise<void> {
    try {
      const session = await open();
      session.onLost((error) => this.#lose(error));
      session.onNotification((queue) => {
        if (this.queues.includes(queue)) this.wake.notify();
      });
      const rows = await session.query(`select 'pillion_' || '${this.#job}'::regclass::oid as channel`);
      await session.query(`listen "${rows[0]!.channel}"`);
      if (this.#closed) return void (await session.close());
      this.#session = session;
      // A worker that wanted to sleep while there was no connection tries again now.
      this.wake.notify();
    } catch (error) {
      this.#lose(error);
    }
  }

  #lose(error: unknown): void {
    this.#session = undefined;
    this.#asleep = false;
    if (this.#closed) return;
    this.logger.warn(`no connection to listen on, polling until there is one: ${oneLine(error)}`);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.connect(), reconnectMs);
    this.#retry.unref();
    this.wake.notify();
  }
}

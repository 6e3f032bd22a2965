import { setTimeout as pause } from "node:timers/promises";
import type { Session } from "../database.ts";
import type { Row, StatementOf } from "../statement.ts";
import type { Link } from "./link.ts";
import { type Logger, oneLine } from "./logger.ts";

const reconnectMs = 1_000;

/**
 * A connection of the worker's own: for its beat, for upkeep where the database has none free, and to say on it that it
 * sleeps, so that a commit wakes it. To wake is a hint, never more: without the connection, or when another worker says it
 * already, the worker polls.
 *
 * To say that it sleeps is an advisory lock per queue, which an enqueue tries, or the guard trigger at COMMIT. Where they
 * get it, they keep it until the transaction ends, so that nobody falls asleep whom it would not wake.
 */
export class WakeUp {
  #session: Session | undefined;
  #unready: Session | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #asleep = new Set<string>();
  /** Where it looks by itself since it last slept, and others may still count on its sleep. */
  readonly #left = new Set<string>();
  #lostAt = Number.NEGATIVE_INFINITY;
  #listens = false;
  #saidPooled = false;

  constructor(
    private readonly link: Link,
    private readonly open: (() => Promise<Session>) | undefined,
    /** Called with a queue in which something has been committed; with nothing where that may have been missed. */
    private readonly onJobs: (queue?: string) => void,
    /** Called with the id of a worker that has something to hear. */
    private readonly onBeat: (worker: string) => void,
    private readonly logger: Logger,
  ) {}

  /** Connects, now and again after each loss; never throws. */
  async connect(): Promise<void> {
    if (!this.open || this.#closed) return;
    this.#opening ??= this.#connect(this.open).finally(() => {
      this.#opening = undefined;
      this.#unready = undefined;
    });
    await this.#opening;
  }

  /** Whether there is a connection for the beat. */
  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** That connection. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The same, once it has waited a little for one that is just being opened. */
  async ready(ms: number): Promise<boolean> {
    if (!this.#session && this.#opening)
      await Promise.race([this.#opening, pause(ms, undefined, { ref: false })]);
    return this.connected;
  }

  /** Whether a commit can wake this worker: a pooler's connection beats, but keeps no lock and hears nothing. */
  get listens(): boolean {
    return this.connected && this.#listens;
  }

  /** Whether commits in all these queues wake this worker. */
  sleeps(queues: readonly string[]): boolean {
    return queues.every((queue) => this.#asleep.has(queue));
  }

  /** Takes in for which queues a statement on this connection got the lock. */
  fellAsleep(queues: readonly string[]): void {
    if (!this.#session) return;
    for (const queue of queues) {
      this.#asleep.add(queue);
      this.#left.delete(queue);
    }
  }

  /** From now on commits in these queues wake nobody, because this worker looks by itself. */
  awake(queues: readonly string[]): void {
    const locked = queues.filter((queue) => this.#asleep.delete(queue));
    for (const queue of locked) this.#left.add(queue);
    this.#send(locked, `pg_advisory_unlock('${this.#job}'::regclass::oid::int4, hashtext(q))`);
  }

  /** The same, and other workers that sleep there are told to say so: they counted on this one. */
  handOver(queues: readonly string[]): void {
    this.awake(queues);
    const left = queues.filter((queue) => this.#left.delete(queue));
    this.#send(left, `pg_notify('pillion_' || '${this.#job}'::regclass::oid, q)`);
  }

  /** Runs a statement on this connection. @throws where there is none, or it breaks */
  async run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
    if (!this.#session) throw new Error("no connection");
    return this.link.runOn(this.#session, statement, input);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    // One that is silent before it can be used would not be answered.
    await this.#unready?.close();
    await this.#opening;
    await this.#session?.close();
    this.#session = undefined;
  }

  #send(queues: readonly string[], act: string): void {
    if (queues.length === 0) return;
    this.#session
      ?.query(`select ${act} from json_array_elements_text($1::text::json) q`, [JSON.stringify(queues)])
      .catch(() => {});
  }

  get #job(): string {
    return this.link.engine.schema.job.replaceAll("'", "''");
  }

  async #connect(open: () => Promise<Session>): Promise<void> {
    let session: Session | undefined;
    try {
      session = await open();
      this.#unready = session;
      session.onLost((error) => this.#lose(error));
      const rows = await session.query(
        `select 'pillion_' || '${this.#job}'::regclass::oid as channel, pg_backend_pid()::text as process`,
      );
      const channel = rows[0]!.channel!;
      this.#listens = session.process === undefined || String(session.process) === rows[0]!.process;
      if (this.#listens) {
        session.onNotification((payload, heard) => {
          if (heard === channel) this.onJobs(payload);
          else this.onBeat(payload);
        });
        await session.query(`listen "${channel}"`);
        await session.query(`listen "${channel}_beat"`);
      } else if (!this.#saidPooled) {
        this.#saidPooled = true;
        this.logger.warn(
          "`database` leads through a pooler, so commits do not wake this worker: it polls. Give `listen` a URL that leads to the server itself, or false.",
        );
      }
      if (this.#closed) return void (await session.close());
      this.#session = session;
      // A worker that wanted to sleep while there was no connection tries again now.
      this.onJobs();
    } catch (error) {
      void session?.close();
      this.#lose(error);
    }
  }

  #lose(error: unknown): void {
    // One that worked is replaced at once, if not again and again: until then the beat waits for one of the pool's.
    const now = performance.now();
    const replace = this.#session !== undefined && now - this.#lostAt > reconnectMs;
    if (this.#session) this.#lostAt = now;
    this.#session = undefined;
    this.#asleep.clear();
    this.#left.clear();
    if (this.#closed) return;
    this.logger.warn(`no connection to listen on, polling until there is one: ${oneLine(error)}`);
    clearTimeout(this.#retry);
    if (replace) void this.connect();
    else {
      this.#retry = setTimeout(() => void this.connect(), reconnectMs);
      this.#retry.unref();
    }
    this.onJobs();
  }
}

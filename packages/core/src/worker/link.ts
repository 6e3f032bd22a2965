import { setTimeout as pause } from "node:timers/promises";
import type { Database, Session } from "../database.ts";
import { InvalidConfigurationError, SchemaOutdatedError, sqlStateOf } from "../errors.ts";
import { currentVersion } from "../migrate/migration-sql.ts";
import { type Engine, postgresEngine } from "../postgres/engine.ts";
import { migrateCommand, schemaErrorOf } from "../postgres/schema-error.ts";
import type { Place } from "../postgres/step.ts";
import { type Row, type Statement, type StatementOf, sql } from "../statement.ts";
import { saysClosed } from "./closed.ts";

/** A connection that no handler gets. */
export interface Beside {
  readonly connected: boolean;
  run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]>;
}

/**
 * A database and the queue's schema in it: what all parts of a worker, and an admin, run their statements on. Each runs
 * at READ COMMITTED, which all of them need: at a stricter level Postgres refuses with 40001 what it would have waited
 * for, and what SKIP LOCKED skips. Where that is not the default, statements get a transaction of their own; nothing
 * is ever set on a session, which a pooler may share.
 */
export class Link {
  readonly engine: Engine;
  /** What goes through it while it is connected, in place of the database: handlers may hold all connections of that. */
  beside: Beside | undefined;
  /** Whether they need a transaction of their own; undefined until it has been looked. */
  #readCommitted: boolean | undefined;
  #looking: Promise<boolean> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  #elsewhere: (() => Session | undefined) | undefined;
  #abandoned: Error | undefined;
  /** Each tells one who waits for an answer that none is waited for any more. */
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(
    readonly database: Database,
    schema: string,
  ) {
    this.engine = postgresEngine(schema);
  }

  /** Whether the application has closed the database, as a statement has found: none will run any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether no answer is waited for any more. */
  get abandoned(): boolean {
    return this.#abandoned !== undefined;
  }

  /** Finds out whether it is closed: a statement that waits in line for a connection is never told. */
  probe(): void {
    this.database.run(isolation(undefined)).catch((error) => this.#note(error));
  }

  /** From now on statements go on there, if there is such a connection, where the application has closed the database. */
  goOn(elsewhere: () => Session | undefined): void {
    this.#elsewhere = elsewhere;
  }

  /** From now on no answer is waited for: each statement, those under way too, rejects with this error. */
  abandon(error: Error): void {
    this.#abandoned = error;
    for (const reject of this.#waiting) reject(error);
  }

  /**
   * Checks the schema's version, and that statements can be run at READ COMMITTED.
   *
   * @throws SchemaOutdatedError, InvalidConfigurationError
   */
  async open(): Promise<void> {
    await this.#answered(() => this.#look());
    if (this.#readCommitted && !this.database.runReadCommitted)
      throw new InvalidConfigurationError(
        `This database's default isolation level is stricter than READ COMMITTED, and a ${this.database.name} cannot open a READ COMMITTED transaction for the worker. Pass a connection URL or a pg Pool.`,
      );
    await this.checkVersion();
  }

  /**
   * The schema's version, this release's or a newer one.
   *
   * @throws SchemaOutdatedError where it is older, or not there
   */
  async checkVersion(): Promise<number> {
    const { name, migration } = this.engine.schema;
    const version = sql`select coalesce(max(version), 0)::text as version from ${migration}`;
    const found = Number((await this.run(version, undefined))[0]!.version);
    if (found < currentVersion)
      throw new SchemaOutdatedError(
        `The schema "${name}" is at version ${found}; this release of Pillion needs ${currentVersion}. Run: ${migrateCommand(name)}`,
      );
    return found;
  }

  /** Runs a statement on a connection of the worker's own, one after the other. */
  async runOn<Input>(session: Session, statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
    return this.#answered(() => {
      const send = () => this.#sendOn(session, statement(input));
      const answer = this.#turn.then(send, send);
      this.#turn = answer.catch(() => {});
      return answer;
    });
  }

  async #sendOn(session: Session, { text, values }: Statement): Promise<readonly Row[]> {
    if (!this.#readCommitted) return session.query(text, values);
    await session.query("begin isolation level read committed");
    try {
      return await session.query(text, values);
    } finally {
      await session.query("commit");
    }
  }

  /** Gives attempts rows of their own, where one row holds all of their claim. Answers the claims that are locked. */
  async unpack(
    attempts: readonly { readonly id: string; readonly claim: string; place?: Place | undefined }[],
  ): Promise<ReadonlySet<string>> {
    const packed = attempts.filter(({ place }) => place !== undefined);
    if (packed.length === 0) return new Set();
    const input = { claims: packed.map(({ claim }) => claim), ids: packed.map(({ id }) => id) };
    const busy = new Set<string>(JSON.parse((await this.run(this.engine.unpack, input))[0]!.busy!));
    for (const attempt of packed) if (!busy.has(attempt.claim)) attempt.place = undefined;
    return busy;
  }

  /**
   * The same before a start is written. Whoever completes others of the claim at this moment is done soon: it comes back
   * for the rest, for about a second.
   */
  async unpackSoon(attempts: Parameters<Link["unpack"]>[0]): Promise<void> {
    for (let looks = 0; (await this.unpack(attempts)).size > 0 && looks < 50; looks++) await pause(20);
  }

  async run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
    if (this.beside?.connected && !this.#abandoned) return this.beside.run(statement, input);
    try {
      return await this.#answered(() => this.#send(statement(input)));
    } catch (error) {
      this.#note(error);
      const session = this.#closed ? this.#elsewhere?.() : undefined;
      if (session) return this.runOn(session, statement, input);
      throw schemaErrorOf(error, this.engine.schema.name) ?? error;
    }
  }

  async #send(statement: Statement): Promise<readonly Row[]> {
    const { database } = this;
    if (this.#readCommitted === undefined) await this.#look();
    // Who cannot open a transaction can look all the same; a worker has refused to start.
    if (this.#readCommitted && database.runReadCommitted) return database.runReadCommitted(statement);
    try {
      return await database.run(statement);
    } catch (error) {
      if (sqlStateOf(error) !== "40001" || !database.runReadCommitted) throw error;
      // The default has changed since. It has been rolled back, so it is not done twice.
      this.#readCommitted = true;
      return database.runReadCommitted(statement);
    }
  }

  /** The answer, or the error that none is waited for. */
  async #answered<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    if (this.#abandoned) throw this.#abandoned;
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      void send()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  #note(error: unknown): void {
    if (this.#closed || !saysClosed(error)) return;
    this.#closed = true;
    // Those that wait in line for a connection would wait for ever.
    for (const reject of this.#waiting) reject(error as Error);
  }

  /** Looks, once for all who ask at the same time, which isolation level is the default of this role and database. */
  async #look(): Promise<void> {
    this.#looking ??= this.database
      .run(isolation(undefined))
      .then(([row]) => !/^read (un)?committed$/.test(row!.isolation!))
      .finally(() => {
        this.#looking = undefined;
      });
    this.#readCommitted = await this.#looking;
  }
}

const isolation = sql`select current_setting('default_transaction_isolation') as isolation`;

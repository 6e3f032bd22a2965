import type { OwnConnection } from "../database.ts";
import type { Row, Statement } from "../statement.ts";

/** What an adapter says about its ORM. It holds no SQL, no state, no pool and no retry. */
export interface AdapterDefinition<Tx extends object, Client extends object> {
  /** The ORM's name, as people write it: "Drizzle". */
  readonly name: string;
  /** What to pass as `tx`, in words, for the error that refuses anything else. */
  readonly expects: string;
  /** Is this an open transaction of this ORM? Asked of every handle before any SQL; it may be any object at all. */
  inTransaction(handle: Tx): boolean;
  /** Is this this ORM's root client, outside any transaction? Asked by `enqueueStandalone` and `database`. */
  isClient(handle: Client): boolean;
  /** Runs one statement through the handle, and through nothing else; every column comes back as text or null. */
  run(handle: Tx | Client, statement: Statement): Promise<readonly Row[]>;
  /**
   * `transaction` where each transaction gets a handle of its own, which can then be pinned to it; `connection`
   * where the handle is the connection, and serves many transactions one after the other.
   */
  readonly handleLives: "transaction" | "connection";
  /** Can the client serve several transactions at a time? A single connection cannot. True where it is not said. */
  isShared?(client: Client): boolean;
  /** Opens a transaction and runs `fn` in it. */
  transaction?<T>(client: Client, options: TransactionOptions, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `fn` under a savepoint; a throw rolls back to it and is passed on. */
  savepoint?<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** What this handle is, in words, where the ORM can tell more than its shape does. */
  describe?(handle: object): string | undefined;
  /**
   * How a worker that runs on this client opens one more connection like the client's, for its beat and to listen:
   * `pgConnection` says it of a pg Pool. Asked once the client is open; undefined where this one does not tell.
   */
  connection?(client: Client): OwnConnection | undefined;
}

/** How a transaction is opened. */
export interface TransactionOptions {
  /** What the caller asked for, in the ORM's own words; it comes before everything else here. */
  readonly own?: unknown;
  /** It may take so long: an ORM that ends transactions by itself must not end it sooner. */
  readonly timeoutMs?: number | undefined;
  /** The ORM's, or the database's, default where it is absent. */
  readonly isolationLevel?: "read committed" | "repeatable read" | "serializable" | undefined;
}

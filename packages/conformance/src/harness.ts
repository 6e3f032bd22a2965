import type { Enqueued, Job } from "@pillion/core";
import type { TransactionOptions, Verbs } from "@pillion/core/adapter";
import type { TestVerbs } from "@pillion/core/testing";

/**
 * What an ORM tells the suite about itself, in its own words. Every part runs on the ORM's public API: the suite
 * reads what came of it on a connection of its own.
 */
// biome-ignore lint/suspicious/noExplicitAny: a list of harnesses holds every ORM's handle types
export interface Harness<Tx extends object = any, Client extends object = any> {
  /** The ORM's npm name: "drizzle-orm". */
  readonly orm: string;
  /** From the ORM's own package.json: `versionOf("drizzle-orm", import.meta.url)`. */
  readonly version: string;
  /** The npm name of the database driver: "pg", "postgres". */
  readonly driver: string;
  /** Which of the ORM's kinds of transaction this is, where it has several: "ControlledTransaction". */
  readonly form?: string;
  /** `import.meta.url` of the file that exports `harnesses` with this one in it: a child process loads it too. */
  readonly module: string;
  /** The adapter: `import * as adapter from "../src/index.ts"`. */
  readonly adapter: Verbs<Tx, Client>;
  /** Its entry point for tests of applications: `import * as testing from "../src/testing.ts"`. */
  readonly testing: TestVerbs<Tx>;
  readonly traits: Traits;

  /** Opens the ORM's client. No error of a lost connection may go unhandled: add the listeners that it needs. */
  connect(options: ConnectOptions): Promise<Connection<Tx, Client>>;
  /** Inserts one row into `orders` through the ORM's own API, with one statement. */
  insertOrder(tx: Tx, order: Order): Promise<unknown>;
  /** Runs a statement without parameters in the ORM's raw form, and answers its rows. */
  execute(tx: Tx, statement: string): Promise<readonly Record<string, unknown>[]>;
  /** Runs `fn` in a nested transaction; a throw rolls back to its beginning and is passed on. Absent: no savepoints. */
  savepoint?<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** Rolls back by the ORM's explicit call, from within `fn`. It may throw what leads out of `fn`. Absent: none. */
  rollback?(tx: Tx): Promise<unknown>;
  /**
   * Enqueues with `verbs` (the adapter, bound to the run's schema) and then inserts the order, as one array of
   * statements in one transaction. Absent: no such form.
   */
  array?(verbs: Verbs<Tx, Client>, client: Client, job: Job, order: Order): Promise<Enqueued>;
  /** What a user of this ORM may pass by mistake. The root client must be among them. */
  readonly wrongHandles: readonly WrongHandle<Tx, Client>[];
}

/** How this ORM behaves where ORMs differ. Each trait is asserted, and reported with the result. */
export interface Traits {
  /**
   * Who refuses an enqueue with the handle of a finished transaction: the adapter (it can see the end), the ORM
   * (it runs nothing on such a handle), or only the guard in the database.
   */
  readonly finishedHandle: "adapter" | "orm" | "database";
  /** Whether each transaction gets a handle of its own, or the handle is a connection that serves many. */
  readonly handleLives: "transaction" | "connection";
  /** Whether the ORM itself ends a transaction after `timeoutMs`. */
  readonly ownTimeout: boolean;
  /** What `transaction` does when a statement failed, `fn` swallowed its error and returned: COMMIT then rolls back. */
  readonly swallowedError: "resolves" | "rejects";
  /**
   * What a connection that is lost inside a transaction does to the application: the transaction rejects and the
   * client goes on with another connection; or the driver ends the process with an error that nobody can catch.
   */
  readonly lostConnection: "rejects" | "ends the process";
  /**
   * Whether the adapter can tell how a connection like the client's is opened: a worker on that client then beats and
   * listens on one of its own. Otherwise it is given `listen`.
   */
  readonly ownConnection: boolean;
}

/** Where a harness connects, and with how many connections. */
export interface ConnectOptions {
  /** Its `search_path` finds the table `orders`. */
  readonly url: string;
  /** The schema of that table, for ORMs that qualify every name. */
  readonly schema: string;
  /** The most connections that the client may open. */
  readonly poolSize: number;
}

/** An open client of the ORM. */
export interface Connection<Tx extends object, Client extends object> {
  /** The root client, outside any transaction. */
  readonly client: Client;
  /** Opens a transaction, runs `fn` and commits; a throw in `fn` rolls back and is passed on. */
  transaction<T>(fn: (tx: Tx) => Promise<T>, options?: OpenOptions): Promise<T>;
  close(): Promise<void>;
}

/** How the suite wants a transaction opened. */
export interface OpenOptions extends TransactionOptions {
  /** For ORMs with `ownTimeout`. Where it is absent, a transaction may take a minute. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A row of `orders (id text primary key, total integer not null check (total >= 0), customer text)`. `customer`
 * references a table of the suite's own, deferrable and initially deferred: it is checked at COMMIT.
 */
export interface Order {
  readonly id: string;
  readonly total: number;
  readonly customer: string | null;
}

/** Something that is not an open transaction of this ORM, and that the adapter must refuse before it sends SQL. */
export interface WrongHandle<Tx extends object, Client extends object> {
  /** For the case's name: "a pool". */
  readonly name: string;
  /** What the error's message must contain: "a pg Pool". */
  readonly says: string;
  /** Makes it; `after` takes what gives it back once the case is over. */
  make(connection: Connection<Tx, Client>, after: (release: () => unknown) => void): unknown;
}

/** "drizzle-orm 0.45.4 × pg", with the form where there is one. */
export function harnessName({ orm, version, driver, form }: Harness): string {
  return `${orm} ${version} × ${driver}${form === undefined ? "" : `, ${form}`}`;
}

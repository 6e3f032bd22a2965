import type { Row, Statement } from "./statement.ts";

/** A way to the database that is not inside anybody's transaction: what workers and tools run on. */
export interface Database {
  /** What it is, for messages: "pg Pool", "Prisma client". */
  readonly name: string;
  /** Runs one statement, which commits by itself. */
  run(statement: Statement): Promise<readonly Row[]>;
  /** Runs one statement in a READ COMMITTED transaction of its own, whatever the session's default is. */
  runReadCommitted?(statement: Statement): Promise<readonly Row[]>;
  /** How a worker opens a connection of its own beside this; undefined where nobody can say. */
  connection?(): OwnConnection | undefined;
  /** Opens a connection of its own where pg is not what opens it. Without either a worker beats and polls through `run`. */
  openSession?(): Promise<Session>;
  /**
   * Ends what was opened for this object, and nothing that the application opened. `impatient`: without waiting for
   * answers that are still to come.
   */
  close?(impatient?: boolean): Promise<void>;
}

/** What one more connection is opened with, and by which copy of pg. */
export interface OwnConnection {
  /** The class `Client` of the application's own pg; where it is absent, of the pg that Pillion brings. */
  // biome-ignore lint/suspicious/noExplicitAny: of whichever release of pg
  readonly Client?: (new (config?: any) => any) | undefined;
  /** What pg's `Client` takes. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One connection, held for as long as it lives. */
export interface Session {
  /**
   * The server's process behind it, as it was named when the connection was opened; null where none was. One that
   * answers later by another name is a pooler's to lend, and holds nothing between two statements: nobody listens on
   * it. Absent: a session that is known to be one.
   */
  readonly process?: number | null;
  query(text: string, values?: readonly (string | null)[]): Promise<readonly Row[]>;
  /** Called with the payload of each notification on a channel that this connection listens to, and the channel. */
  onNotification(listener: (payload: string, channel: string) => void): void;
  /** Called once when the connection is gone. */
  onLost(listener: (error: Error) => void): void;
  close(): Promise<void>;
}

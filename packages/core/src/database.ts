import type { Row, Statement } from "./statement.ts";

/** A way to the database that is not inside anybody's transaction: what workers and tools run on. */
export interface Database {
  /** What it is, for messages: "pg Pool", "Prisma client". */
  readonly name: string;
  /** Runs one statement, which commits by itself. */
  run(statement: Statement): Promise<readonly Row[]>;
  /** Runs one statement in a READ COMMITTED transaction of its own, whatever the session's default is. */
  runReadCommitted?(statement: Statement): Promise<readonly Row[]>;
  /** A connection of its own, for LISTEN and locks of a session. Without it a worker polls. */
  openSession?(): Promise<Session>;
  /** Ends what was opened for this object, and nothing that the application opened. */
  close?(): Promise<void>;
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

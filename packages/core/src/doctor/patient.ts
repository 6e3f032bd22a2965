import type { ClientBase, Notification } from "pg";
import { pgConnection } from "../adapter/pg-connection.ts";
import type { Database, OwnConnection, Session } from "../database.ts";
import { InvalidConfigurationError } from "../errors.ts";
import type { Schema } from "../postgres/schema.ts";
import type { Row, StatementOf } from "../statement.ts";
import { type DatabaseOption, openSession, toDatabase } from "../worker/connect.ts";
import type { Finding } from "./finding.ts";
import type { DiagnoseLimits } from "./limits.ts";
import type { Pooling } from "./pooling.ts";

/** What `diagnose` can be given: a connection URL, a pg Pool or Client, or `database(client)` of an adapter. */
export type DiagnosedDatabase = DatabaseOption | ClientBase;

/** Runs one statement. */
export type Read = <Input>(statement: StatementOf<Input>, input: Input) => Promise<readonly Row[]>;

/** A connection for a diagnosis. */
export interface Connected {
  readonly session: Session;
  /** Opens another one, to the same place. */
  readonly beside: () => Promise<Session>;
}

/** What a check looks at. */
export interface Patient {
  readonly schema: Schema;
  readonly limits: DiagnoseLimits;
  readonly session: Session;
  /** A connection of the application's, where one was given. */
  readonly application: Session | undefined;
  /** What stands between the server and these two. */
  readonly pooling: Pooling;
  readonly applicationPooling: Pooling | undefined;
  /** Runs one statement that can change nothing, for `statementMs` at most. */
  readonly read: Read;
}

/** One thing to look at. */
export interface Check {
  /** What it is, for people. */
  readonly name: string;
  /** What it cannot do without: transactions, a server that can be written to, the queue's tables, a worker where jobs wait … */
  readonly needs: "connection" | "server" | "primary" | "queue" | "workers" | "application";
  look(patient: Patient): Promise<readonly Finding[]>;
}

/**
 * A connection for a diagnosis, and what closes it. A Client that is given is used, and left open.
 *
 * @throws InvalidConfigurationError for what has no connection to give
 */
export async function connect(option: DiagnosedDatabase): Promise<Connected> {
  if (isClient(option)) return { session: sessionOf(option), beside: () => open(pgConnection(option)!) };
  const database: Database = toDatabase(option);
  try {
    if (database.openSession)
      return { session: await database.openSession(), beside: () => database.openSession!() };
    const connection = database.connection?.();
    if (connection) return { session: await open(connection), beside: () => open(connection) };
  } finally {
    // Of a URL: the pool that was made of it. It has opened nothing.
    await database.close?.();
  }
  throw new InvalidConfigurationError(
    `diagnose: a ${database.name} cannot open a connection of its own. Pass a connection URL, a pg Pool or a pg Client.`,
  );
}

function open(connection: OwnConnection): Promise<Session> {
  return openSession(connection, { as: "pillion doctor", waitMs: 0 });
}

function isClient(option: DiagnosedDatabase): option is ClientBase {
  return typeof option === "object" && option !== null && "escapeIdentifier" in option;
}

function sessionOf(client: ClientBase): Session {
  const listeners: ((message: Notification) => void)[] = [];
  return {
    process: (client as { processID?: number | null }).processID ?? null,
    query: async (text, values = []) => (await client.query<Row>({ text, values: [...values] })).rows,
    onNotification(listener) {
      const heard = ({ payload, channel }: Notification) => listener(payload ?? "", channel);
      listeners.push(heard);
      client.on("notification", heard);
    },
    onLost() {},
    async close() {
      for (const listener of listeners) client.removeListener("notification", listener);
    },
  };
}

/**
 * Runs statements in a transaction that can change nothing. What bounds them belongs to that transaction: nothing is left
 * on the connection, which may be a pooler's.
 */
export async function reading<T>(
  session: Session,
  statementMs: number,
  fn: (read: Read) => Promise<T>,
): Promise<T> {
  await session.query("begin isolation level read committed read only");
  try {
    await session.query(
      `select set_config('statement_timeout', $1::text, true), set_config('lock_timeout', $1::text, true),
        set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true), set_config('search_path', 'pg_catalog', true)`,
      [String(statementMs)],
    );
    return await fn((statement, input) => {
      const { text, values } = statement(input);
      return session.query(text, values);
    });
  } finally {
    // Where the connection is gone, the statement has said so.
    await session.query("rollback").catch(() => {});
  }
}

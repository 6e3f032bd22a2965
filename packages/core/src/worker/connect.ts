import { setTimeout as pause } from "node:timers/promises";
import pg, { type Pool } from "pg";
import { pgConnection } from "../adapter/pg-connection.ts";
import type { Database, OwnConnection, Session } from "../database.ts";
import { InvalidConfigurationError } from "../errors.ts";
import type { Row, Statement } from "../statement.ts";
import { KeptConnection } from "./kept-connection.ts";

/** What a worker can be given: a connection URL, a pg Pool, or `database(client)` of an adapter. */
export type DatabaseOption = string | Pool | Database;

/**
 * For so long a worker waits for the answer to a statement. Where none comes the connection is silent, as one is whose
 * server has gone without a word: it is closed, and another is opened. `query_timeout` in a URL says otherwise.
 */
export const answerMs = 30_000;
/** A connection that does not close in this time, because nobody answers, is cut off. */
const closeMs = 2_000;

/**
 * @param waitMs for how long to wait for the answer to a statement; 0 for as long as it takes
 * @throws InvalidConfigurationError for anything else
 */
export function toDatabase(option: DatabaseOption, waitMs = 0): Database {
  if (typeof option === "string") return urlDatabase(option, waitMs);
  if (isPool(option)) return poolDatabase(option);
  if (typeof option?.run === "function") return option;
  throw new InvalidConfigurationError(
    "database: pass a connection URL, a pg Pool, or database(client) of an adapter.",
  );
}

export function isPool(option: unknown): option is Pool {
  return typeof option === "object" && option !== null && "totalCount" in option && "connect" in option;
}

function urlDatabase(connectionString: string, waitMs: number): Database {
  const pool = new pg.Pool({
    connectionString,
    max: 4,
    // One stays when nothing goes on: the first job after a quiet hour need not wait for a connection and its plans.
    min: 1,
    application_name: "pillion worker",
    query_timeout: waitMs,
    // Nor does one answer that falls silent while it is opened, or that others hold for as long.
    connectionTimeoutMillis: waitMs,
  });
  const open = new Set<pg.ClientBase>();
  pool.on("connect", (client) => void open.add(client.once("end", () => open.delete(client))));
  const kept = new KeptConnection(pool);
  let looking: Promise<boolean> | undefined;
  let direct: boolean | undefined;
  return {
    ...poolDatabase(pool),
    name: "connection URL",
    async run({ text, values, name }) {
      if (name !== undefined && direct === undefined) {
        looking ??= isDirect(pool).finally(() => {
          looking = undefined;
        });
        // Where the database is away it is looked again once it is back.
        direct = await looking.catch(() => undefined);
      }
      if (name !== undefined && direct) return kept.query({ name, text, values: [...values] });
      return (await pool.query<Row>({ text, values: [...values] })).rows;
    },
    async close(impatient) {
      const cutOffSoon = () => setTimeout(() => open.forEach(cutOff), closeMs).unref();
      kept.giveBack();
      const ended = pool.end();
      if (impatient) {
        cutOffSoon();
        await Promise.race([ended, pause(2 * closeMs, undefined, { ref: false })]);
      } else await ended;
      // It does not wait until they have closed; the process would.
      cutOffSoon();
    },
  };
}

/** Ends a connection on which nobody answers. */
function cutOff(client: pg.ClientBase): void {
  (client as Partial<WithStream>).connection?.stream?.destroy();
}

/** What pg's clients do not say of themselves in their types. */
interface WithStream {
  readonly connection: { readonly stream: { destroy(): void } };
}

/** False behind a pooler: what is prepared on one of its connections may be asked of another. */
async function isDirect(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const note = (error: Error) => {
    broken = error;
  };
  client.on("error", note);
  try {
    const { rows } = await client.query<Row>("select pg_backend_pid()::text as process");
    return rows[0]!.process === String((client as { processID?: number | null }).processID);
  } finally {
    client.removeListener("error", note);
    client.release(broken);
  }
}

function poolDatabase(pool: Pool): Database {
  // Connections that break while they idle in the pool are replaced; an 'error' nobody hears would end the process.
  const ignore = () => {};
  pool.on("error", ignore);
  return {
    name: "pg Pool",
    run: async ({ text, values }) => (await pool.query<Row>({ text, values: [...values] })).rows,
    async runReadCommitted(statement) {
      const client = await pool.connect();
      client.on("error", ignore);
      try {
        const rows = await inReadCommitted(client, statement);
        client.release();
        return rows;
      } catch (error) {
        // Whatever state the connection is in, nobody gets it again.
        client.release(true);
        throw error;
      } finally {
        client.removeListener("error", ignore);
      }
    },
    connection: () => pgConnection(pool),
    close: async () => {
      pool.removeListener("error", ignore);
    },
  };
}

async function inReadCommitted(client: pg.ClientBase, { text, values }: Statement): Promise<readonly Row[]> {
  await client.query("begin isolation level read committed");
  const { rows } = await client.query<Row>({ text, values: [...values] });
  await client.query("commit");
  return rows;
}

/** How a worker opens a connection of its own beside this database; undefined where nobody can say. */
export function sessionBeside(database: Database, waitMs: number): (() => Promise<Session>) | undefined {
  if (database.openSession) return () => database.openSession!();
  // Asked anew each time: what it is opened with may have changed since.
  return database.connection?.() && (() => openSession(database.connection!()!, { waitMs }));
}

/**
 * A connection of its own, beside whatever pool there is. `as` is what it is called at the server; `waitMs`, for how long
 * to wait for an answer before it is closed, 0 for as long as it takes.
 */
export async function openSession(
  { Client = pg.Client, options }: OwnConnection,
  { as = "pillion worker (listen)", waitMs }: { as?: string; waitMs: number },
): Promise<Session> {
  const client: pg.Client = new Client({
    query_timeout: waitMs,
    ...options,
    application_name: as,
    keepAlive: true,
    // Whoever waits for it could go on through the pool.
    connectionTimeoutMillis: options.connectionTimeoutMillis || 10_000,
  });
  let lost: ((error: Error) => void) | undefined;
  let gone: Error | undefined;
  const end = (error: Error) => {
    if (gone) return;
    gone = error;
    lost?.(error);
  };
  client.on("error", end);
  client.on("end", () => end(new Error("the connection was closed")));
  await client.connect();
  const send = async (text: string, values: readonly unknown[]) => {
    try {
      return (await client.query<Row>({ text, values: [...values] })).rows;
    } catch (error) {
      // What comes after it would wait behind it.
      if (error instanceof Error && error.message === "Query read timeout") void client.end().catch(() => {});
      throw error;
    }
  };
  // pg wants them one after the other.
  let before: Promise<unknown> = Promise.resolve();
  return {
    process: (client as { processID?: number | null }).processID ?? null,
    query(text, values = []) {
      const answer = before.then(() => send(text, values));
      before = answer.catch(() => {});
      return answer;
    },
    onNotification(listener) {
      client.on("notification", ({ payload, channel }) => listener(payload ?? "", channel));
    },
    onLost(listener) {
      lost = listener;
      if (gone) listener(gone);
    },
    async close() {
      lost = undefined;
      const late = setTimeout(() => cutOff(client), closeMs);
      await client.end().catch(() => {});
      clearTimeout(late);
    },
  };
}

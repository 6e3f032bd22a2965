import { sqlStateOf } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import pg from "pg";
import { Failure } from "./failure.ts";
import type { Shared } from "./options.ts";

/** A host that drops packets would otherwise hold the command for minutes. */
const connectTimeoutMs = 10_000;

/**
 * Runs `fn` on one connection to the database that `url`, or else DATABASE_URL, names. Whatever goes wrong before
 * is told without the URL, which may hold a password.
 */
export async function withDatabase<T>(
  url: string | undefined,
  fn: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { settings, place } = checkedUrl(url);
  const client = new pg.Client(settings);
  // A connection that breaks also fails the query that runs on it.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw cannotConnect(place, error);
  }
  try {
    return await fn(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The same with core's admin, on a schema that fits this release. */
export async function withAdmin<T>(
  { database, schema }: Shared,
  fn: (admin: Admin) => Promise<T>,
): Promise<T> {
  const { settings, place } = checkedUrl(database);
  const pool = new pg.Pool({ ...settings, max: 2 });
  // It does no I/O, and refuses a name that is none before anything is sent.
  const admin = createAdmin({ database: pool, schema });
  try {
    const client = await pool.connect().catch((error) => {
      throw cannotConnect(place, error);
    });
    client.release();
    await admin.checkSchema();
    return await fn(admin);
  } finally {
    await admin.close();
    await pool.end().catch(() => {});
  }
}

function checkedUrl(option: string | undefined): { settings: pg.ClientConfig; place: string } {
  const given = option ?? process.env.DATABASE_URL;
  const from = option === undefined ? "DATABASE_URL" : "--database";
  if (!given) throw new Failure("USAGE", 2, "No database given: pass --database URL, or set DATABASE_URL.");
  if (!URL.canParse(given) || !/^postgres(ql)?:/.test(given) || !isPercentEncoded(given))
    throw new Failure(
      "USAGE",
      2,
      `${from} is not a Postgres URL. It has the form postgres://user:password@host:5432/database, with special ` +
        "characters in the password percent-encoded.",
    );
  const { host, pathname, searchParams } = new URL(given);
  return {
    settings: {
      connectionString: given,
      connectionTimeoutMillis: connectTimeoutMs,
      fallback_application_name: "pillion",
    },
    place: `${host || searchParams.get("host") || "localhost"}${pathname}`,
  };
}

function isPercentEncoded(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

function cannotConnect(place: string, error: unknown): Failure {
  return new Failure("CANNOT_CONNECT", 3, `Cannot connect to the database at ${place}: ${reasonOf(error)}`);
}

function reasonOf(error: unknown): string {
  // Node tries each address of a name, and reports all of them together, without a message of its own.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = first as { code?: string; message: string };
  if (code === "ECONNREFUSED") return "nobody listens there. Is the server running, and is the port right?";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host's name is unknown.";
  if (
    /^(timeout expired|timeout exceeded when trying to connect|Connection terminated due to connection timeout)$/.test(
      message,
    )
  )
    return `no answer within ${connectTimeoutMs / 1000} s.`;
  return sqlStateOf(first) === undefined ? `${message}.` : `it answers: ${message}.`;
}

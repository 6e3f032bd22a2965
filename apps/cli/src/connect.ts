import { sqlStateOf } from "@pillion/core";
import pg from "pg";
import { Failure } from "./failure.ts";

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
  const { connectionString, place } = checkedUrl(url);
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: connectTimeoutMs,
    fallback_application_name: "pillion",
  });
  // A connection that breaks also fails the query that runs on it.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw new Failure("CANNOT_CONNECT", 3, `Cannot connect to the database at ${place}: ${reasonOf(error)}`);
  }
  try {
    return await fn(client);
  } finally {
    await client.end().catch(() => {});
  }
}

function checkedUrl(option: string | undefined): { connectionString: string; place: string } {
  const given = option ?? process.env.DATABASE_URL;
  const from = option === undefined ? "DATABASE_URL" : "--database";
  if (!given) throw new Failure("USAGE", 2, "No database given: pass --database URL, or set DATABASE_URL.");
  if (!URL.canParse(given) || !/^postgres(ql)?:/.test(given))
    throw new Failure(
      "USAGE",
      2,
      `${from} is not a Postgres URL. It has the form postgres://user:password@host:5432/database, with special ` +
        "characters in the password percent-encoded.",
    );
  const { host, pathname, searchParams } = new URL(given);
  return { connectionString: given, place: `${host || searchParams.get("host") || "localhost"}${pathname}` };
}

function reasonOf(error: unknown): string {
  // Node tries each address of a name, and reports all of them together, without a message of its own.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = first as { code?: string; message: string };
  if (code === "ECONNREFUSED") return "nobody listens there. Is the server running, and is the port right?";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host's name is unknown.";
  if (message === "timeout expired") return `no answer within ${connectTimeoutMs / 1000} s.`;
  return sqlStateOf(first) === undefined ? `${message}.` : `it answers: ${message}.`;
}

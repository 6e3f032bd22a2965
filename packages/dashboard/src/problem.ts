import { PillionError, sqlStateOf } from "@pillion/core";
import type { Problem, ProblemCode } from "./api.ts";

const titles: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  INVALID_REQUEST: [400, "The request is not right"],
  NOT_JSON: [400, "The body is not JSON"],
  UNAUTHORIZED: [401, "Not signed in"],
  READ_ONLY: [403, "This board is read-only"],
  CROSS_SITE: [403, "Not asked by the board's own page"],
  VALUES_FORBIDDEN: [403, "Values are not shown"],
  MISSING_RIGHT: [403, "The board's database role lacks a right"],
  NOT_FOUND: [404, "There is nothing here"],
  NO_SUCH_JOB: [404, "There is no such job"],
  NO_SUCH_SCHEDULE: [404, "There is no such schedule"],
  NO_SUCH_GROUP: [404, "There is no such group"],
  METHOD_NOT_ALLOWED: [405, "Not with this method"],
  TOO_LARGE: [413, "The body is too large"],
  DATABASE_AWAY: [503, "The database is away"],
  SCHEMA_OUTDATED: [503, "The queue's schema does not fit"],
  FAILED: [500, "Something went wrong"],
};

/** An answer that is an error, for the page and for people. */
export class ProblemError extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly status: number = titles[code][0],
  ) {
    super(detail);
  }

  toJSON(): Problem {
    const { code, detail, status } = this;
    return { type: "about:blank", title: titles[code][1], status, detail, code };
  }
}

/** What an error of core or the database comes to. What is unknown may hold secrets, and says nothing. */
export function problemOf(error: unknown, changes: boolean, schema: string): ProblemError {
  if (error instanceof ProblemError) return error;
  if (PillionError.is(error)) {
    if (error.code === "SCHEMA_OUTDATED") return new ProblemError("SCHEMA_OUTDATED", error.message);
    if (error.code.startsWith("INVALID_")) return new ProblemError("INVALID_REQUEST", error.message);
  }
  const state = sqlStateOf(error);
  if (state === "42501") return new ProblemError("MISSING_RIGHT", missingRight(error, changes, schema));
  if (isAway(error, state))
    return new ProblemError(
      "DATABASE_AWAY",
      `The database cannot be reached, or did not answer in time. ${changes ? "Whether this was done is not known: look before you repeat it." : "It is asked again as soon as the page asks."}`,
      { "retry-after": "2" },
    );
  return new ProblemError(
    "FAILED",
    `It is in the server's log. ${changes ? "What was done before it is not undone." : "Nothing was changed."}`,
  );
}

/** Postgres' own words name the table or the function, and no value. */
function missingRight(error: unknown, changes: boolean, schema: string): string {
  const allow = `${/^[a-z_][a-z0-9_]*$/.test(schema) ? schema : `"${schema.replaceAll('"', '""')}"`}.allow`;
  return changes
    ? `The role by which the board reaches the database may not do this (${messageOf(error)}). Nothing was changed. Where it is to, the schema's owner says: select ${allow}('<role>', 'operator'); to run schedules by hand, 'worker' too.`
    : `The role by which the board reaches the database may not look at this (${messageOf(error)}). The schema's owner lets it: select ${allow}('<role>', 'reader').`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** No connection; the server goes down, has no room, or has cancelled what took too long. */
function isAway(error: unknown, state: string | undefined): boolean {
  if (state !== undefined) return /^(08|57P|57014|53300)/.test(state);
  for (let cause = error; typeof cause === "object" && cause !== null; ) {
    const { code, message, cause: next } = cause as { code?: unknown; message?: unknown; cause?: unknown };
    // What Node, pg and Prisma say of a connection.
    if (/^(E(CONN|PIPE|HOST|NET|TIMEDOUT|NOTFOUND|AI_)|P1001|P1002|P1008|P1017|P2024)/.test(String(code)))
      return true;
    if (
      /^(Connection terminated|timeout (expired|exceeded)|Client has encountered a connection error)/.test(
        String(message),
      )
    )
      return true;
    cause = next;
  }
  return false;
}

import { styleText } from "node:util";
import { PillionError, sqlStateOf } from "@pillion/core";
import { CommanderError } from "commander";

/** What a script can tell from the exit code; `pillion --help` prints it. */
export const exitCodes = `Exit codes:
  0  done, or there was nothing to do
  1  an error that none of the following names
  2  wrong arguments or settings; nothing was sent to a database
  3  the database cannot be reached, or refuses the login
  4  the schema in the database is newer than this release
  5  the role lacks a right`;

/** An error whose message is written for the person at the terminal, on one line. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Prints an error as one line on stderr (with --json as one JSON object) and answers the exit code. */
export function report(error: unknown, { json }: { json: boolean }): number {
  // Commander has printed the help that was asked for, or that stands for a missing command.
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  if (error instanceof CommanderError && error.code === "commander.help") return 2;
  const { code, exitCode, message } = failureOf(error);
  if (json) console.error(JSON.stringify({ error: { code, message, exitCode } }));
  else console.error(`${styleText("red", "error:", { stream: process.stderr })} ${message}`);
  return exitCode;
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError)
    return new Failure("USAGE", 2, oneLine(error.message.replace(/^error: /, "")));
  const message = oneLine(error instanceof Error ? error.message : String(error));
  if (PillionError.is(error)) {
    if (error.code === "SCHEMA_OUTDATED") return new Failure(error.code, 4, message);
    if (error.code === "INVALID_CONFIGURATION") return new Failure(error.code, 2, message);
  }
  if (sqlStateOf(error) === "42501")
    return new Failure(
      "MISSING_RIGHT",
      5,
      `${message}. Run it as a role that owns the schema, or that has CREATE on the database where the schema is new.`,
    );
  return new Failure(sqlStateOf(error) ?? "FAILED", 1, message);
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

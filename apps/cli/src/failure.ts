import { styleText } from "node:util";
import { PillionError, sqlStateOf } from "@pillion/core";
import { CommanderError } from "commander";

/** What a script can tell from the exit code; `pillion --help` prints it. */
export const exitCodes = `Exit codes:
  0    done, or there was nothing to do
  1    an error that none of the following names
  2    wrong arguments or settings; nothing was sent to a database
  3    the database cannot be reached, or refuses the login
  4    the queue's schema is missing, or older or newer than this release
  5    the role lacks a right
  6    there is no such job, or no such schedule
  7    it was not confirmed; nothing was changed
  10   doctor: the worst finding is a warning
  11   doctor: a finding is critical
  130  stopped by Ctrl-C; the last line says how far it got`;

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

/** What an error comes to at the terminal. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError)
    return new Failure("USAGE", 2, oneLine(error.message.replace(/^error: /, "")));
  const message = oneLine(error instanceof Error ? error.message : String(error));
  if (PillionError.is(error)) {
    if (error.code === "SCHEMA_OUTDATED") return new Failure(error.code, 4, message);
    if (error.code === "SCHEMA_LOCKED") return new Failure(error.code, 1, message);
    if (error.code.startsWith("INVALID_")) return new Failure(error.code, 2, message);
  }
  const state = sqlStateOf(error);
  if (state === "42501")
    return new Failure(
      "MISSING_RIGHT",
      5,
      `${message}. Let the schema's owner allow it: select pillion.allow('<role>', 'reader') to look, 'operator' to act. ` +
        "To migrate, a role owns the schema, or has CREATE on the database where the schema is new.",
    );
  // What Node or pg say of a connection, and what a server says that is on its way down.
  const { code } = error as { code?: unknown };
  if (
    state?.startsWith("08") ||
    state?.startsWith("57P") ||
    /^E(CONN|PIPE|HOST|NET)/.test(String(code)) ||
    /^Connection terminated/.test(message)
  )
    return new Failure(
      "CONNECTION_LOST",
      3,
      `The connection to the database broke: ${message.replace(/\.$/, "")}.`,
    );
  return new Failure(state ?? "FAILED", 1, message);
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

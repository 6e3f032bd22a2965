import { createInterface } from "node:readline/promises";
import { Failure } from "./failure.ts";

/** Asks on stderr, and reads the answer from stdin. @throws Failure unless it is yes */
export async function confirm(question: string): Promise<void> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<undefined>((resolve) => reader.once("close", () => resolve(undefined)));
  const answer = await Promise.race([
    reader.question(`${question} Go on? [y/N] `).catch(() => undefined),
    ended,
  ]);
  reader.close();
  // A terminal has echoed the end of the line.
  if (answer === undefined || !process.stdin.isTTY) console.error();
  if (answer === undefined)
    throw refusal("Nobody answered, and nothing was changed. Pass --yes in a script.");
  if (!/^y(es)?$/i.test(answer.trim())) throw refusal("Not confirmed, and nothing was changed.");
}

const refusal = (message: string) => new Failure("NOT_CONFIRMED", 7, message);

import { isTellable } from "../../codec/tellable.ts";
import { type Logger, oneLine } from "../logger.ts";
import type { Attempt } from "./attempt.ts";
import { type Outcome, toStoredError } from "./outcome.ts";
import { withheld } from "./withheld.ts";

/** Says in one line that an attempt has failed, if it has, and what becomes of its job. */
export function sayFailure(logger: Logger, attempt: Attempt, outcome: Outcome): void {
  if (outcome.verb === "committed" && "error" in outcome)
    logger.warn(
      `${attempt} threw after its completion was committed, and stays completed: ${said(attempt, outcome.error)}`,
    );
  if (outcome.verb !== "retry" && outcome.verb !== "discard") return;
  const line = `${attempt} failed: ${outcome.error.name}: ${outcome.error.message.split("\n", 1)[0]}`;
  if (outcome.verb === "discard") logger.error(`${line}; the job is dead`);
  else logger.warn(`${line}; next attempt in ${outcome.delayMs} ms`);
}

function said({ handler }: Attempt, error: unknown): string {
  if (isTellable(handler.jobType, error)) return oneLine(error);
  const { name, message } = withheld(error, toStoredError(error));
  return `${name}: ${message}`;
}

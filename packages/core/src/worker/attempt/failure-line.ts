import { type Logger, oneLine } from "../logger.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome } from "./outcome.ts";

/** Says in one line that an attempt has failed, if it has, and what becomes of its job. */
export function sayFailure(logger: Logger, attempt: Attempt, outcome: Outcome): void {
  if (outcome.verb === "committed" && "error" in outcome)
    logger.warn(
      `${attempt} threw after its completion was committed, and stays completed: ${oneLine(outcome.error)}`,
    );
  if (outcome.verb !== "retry" && outcome.verb !== "discard") return;
  const said = `${attempt} failed: ${outcome.error.name}: ${outcome.error.message.split("\n", 1)[0]}`;
  if (outcome.verb === "discard") logger.error(`${said}; the job is dead`);
  else logger.warn(`${said}; next attempt in ${outcome.delayMs} ms`);
}

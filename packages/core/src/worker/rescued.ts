import type { TickAnswer } from "../postgres/tick.ts";
import type { Logger } from "./logger.ts";

/** Says which jobs a beat has taken from workers that fell silent. */
export function sayRescued(logger: Logger, { rescued }: TickAnswer): void {
  for (const { id, name, attempt, state } of rescued)
    logger.warn(
      `job ${id} "${name}": its worker fell silent in attempt ${attempt}; the job is ${state === "ready" ? "ready again" : state === "dead" ? "dead: that was its last attempt" : state}`,
    );
}

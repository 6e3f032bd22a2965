import { limits } from "../../defaults.ts";
import { EventTimeoutError, InvalidResultError } from "../../errors.ts";
import { type Event, isEvent } from "../../job/event.ts";
import { show } from "../../show.ts";
import type { Attempt } from "./attempt.ts";

/** Waits for an event without a slot, and answers its payload. @throws EventTimeoutError, InvalidStepError */
export async function waitForEvent(
  attempt: Attempt,
  event: Event,
  { timeoutMs }: { readonly timeoutMs?: number | undefined },
): Promise<unknown> {
  const { steps, ledger } = attempt;
  if (!isEvent(event))
    throw steps.invalid(
      "waitForEvent",
      `got ${show(event)} where an event is wanted. Call its type with a key: job.waitForEvent(packed(orderId))`,
    );
  const { type, key } = event;
  if (
    timeoutMs !== undefined &&
    !(typeof timeoutMs === "number" && timeoutMs >= 0 && timeoutMs <= limits.durationMs)
  )
    throw steps.invalid(
      type.name,
      `got timeoutMs ${show(timeoutMs)}, not a number of milliseconds from 0 to ${limits.durationMs}`,
    );
  const payload = await steps.wait(
    "event",
    type.name,
    (step) => ledger.wait(step, { untilMs: timeoutMs, event: { name: type.name, key } }),
    ({ delayMs }) => {
      if (delayMs !== null && delayMs <= 0)
        throw new EventTimeoutError(
          `${attempt}: event "${type.name}" (${key}) has not happened within the ${timeoutMs} ms that it was waited for.`,
          attempt.name,
        );
    },
  );
  const validated = await type.schema["~standard"].validate(payload);
  if (!validated.issues) return validated.value;
  throw new InvalidResultError(
    `${attempt}: the payload of event "${type.name}" (${key}) is not valid for this worker: ` +
      validated.issues.map(({ message }) => message).join("; "),
    attempt.name,
    validated.issues.map(({ message }) => ({ message, path: [] })),
  );
}

import { eventContext } from "../../codec/context.ts";
import { unseal } from "../../codec/seal.ts";
import { sayingNothing } from "../../codec/tellable.ts";
import { limits } from "../../defaults.ts";
import { EventTimeoutError, InvalidResultError } from "../../errors.ts";
import { type Event, isEvent } from "../../job/event.ts";
import { issuesIn } from "../../job/refusal.ts";
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
  const what = `${attempt}: the payload of event "${type.name}" (${key})`;
  let read: unknown;
  try {
    read = await unseal(type.codec, eventContext(type.name, key), payload, what, attempt.name);
  } catch (error) {
    throw sayingNothing(error as Error);
  }
  const validated = await type.schema["~standard"].validate(read);
  if (!validated.issues) return validated.value;
  if (type.codec)
    throw sayingNothing(
      new InvalidResultError(
        `${what} is not valid for this worker (${issuesIn(validated.issues)}, which are not told, for they may quote what is secret)`,
        attempt.name,
        [],
      ),
    );
  throw new InvalidResultError(
    `${what} is not valid for this worker: ${validated.issues.map(({ message }) => message).join("; ")}`,
    attempt.name,
    validated.issues.map(({ message }) => ({ message, path: [] })),
  );
}

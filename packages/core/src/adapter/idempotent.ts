import { defaults, limits } from "../defaults.ts";
import { InvalidRequestError, ReentryError, TransactionChangedError } from "../errors.ts";
import { jsonIssueOf, textIssueOf, utf8Bytes } from "../json.ts";
import type { Begun } from "../postgres/once.ts";
import { show } from "../show.ts";
import type { Ambient } from "./ambient.ts";
import { type Ground, guardedCall } from "./ground.ts";

/** How long the answer of a call is kept. */
export interface IdempotentOptions {
  /** In milliseconds from the call; default 30 days. After it, the key is as good as new. */
  readonly keepMs?: number | undefined;
}

/** Runs what is to be done once in the caller's transaction, or answers what it answered. */
export function idempotentOn<Tx extends object>(ground: Ground<Tx>) {
  const { engine } = ground;
  const call = guardedCall(ground);

  return async <Answer>(
    given: Tx | Ambient<Tx>,
    key: readonly [scope: string, key: string],
    fn: () => Answer | Promise<Answer>,
    options?: IdempotentOptions,
  ): Promise<Answer> => {
    const of = Array.isArray(key) && typeof key[0] === "string" ? ` of "${key[0].slice(0, 200)}"` : "";
    const tx = ground.openTransaction("idempotent", given, of);
    const named = checkKey(key);
    const keepMs = checkKeep(options?.keepMs);
    if (typeof fn !== "function")
      throw new InvalidRequestError(`idempotent${of}: got ${show(fn)}, and takes the function to run once.`);
    const begun: Begun = await call("idempotent", tx, of, (doing) =>
      engine.beginOnce({ ...named, keepMs, ...doing }),
    );
    if (begun.found === "answer") return (begun.empty ? undefined : begun.answer) as Answer;
    if (begun.found === "itself")
      throw new ReentryError(
        `idempotent${of}: key ${show(named.key)} is being worked out in this very transaction, whose function has ` +
          "called for it again: it would wait for itself.",
      );
    const end = async (answered: boolean, answer: string | null) =>
      (await ground.send(tx, engine.endOnce({ ...named, answered, answer })))[0]!.done === "true";
    let answer: string | null;
    try {
      answer = toJson(await fn(), of, ground.maxPayloadBytes);
    } catch (error) {
      // Where a statement has failed, the transaction takes no other, and the key goes with it.
      await end(false, null).catch(() => {});
      throw error;
    }
    if (!(await end(true, answer)))
      throw new TransactionChangedError(
        `${ground.name} idempotent${of}: the transaction that began this call is over, or was rolled back to a ` +
          `savepoint before it, while its function ran: the answer of key ${show(named.key)} was not kept. Let the ` +
          "function neither commit nor roll back, and await all that it does.",
      );
    return answer === null ? (undefined as Answer) : JSON.parse(answer);
  };
}

function toJson(answer: unknown, of: string, maxBytes: number): string | null {
  if (answer === undefined) return null;
  const issue = jsonIssueOf(answer);
  if (issue === undefined) {
    const text = JSON.stringify(answer);
    if (utf8Bytes(text) <= maxBytes) return text;
    throw new InvalidRequestError(
      `idempotent${of}: the answer is longer than ${maxBytes} bytes. Keep what identifies it, or raise maxPayloadBytes.`,
    );
  }
  throw new InvalidRequestError(
    `idempotent${of}: the answer ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}${issue.message}. It is ` +
      "stored as JSON, so that later calls get the same.",
  );
}

function checkKey(given: unknown): { readonly scope: string; readonly key: string } {
  const [scope, key, ...others] = Array.isArray(given) ? given : [];
  for (const [what, text, most] of [
    ["scope", scope, limits.nameBytes],
    ["key", key, limits.keyBytes],
  ] as const) {
    const issue =
      typeof text !== "string" || text === ""
        ? `is ${show(text)}, not a text`
        : utf8Bytes(text) > most
          ? `is longer than ${most} bytes`
          : textIssueOf(text);
    if (issue !== undefined)
      throw new InvalidRequestError(`idempotent: its ${what} ${issue}. Pass ["orders.place", key].`);
  }
  if (others.length > 0)
    throw new InvalidRequestError(
      'idempotent: a key has two parts, ["orders.place", key]. Join what identifies the call.',
    );
  return { scope, key };
}

function checkKeep(keepMs: number = defaults.keepAnswersMs): number {
  if (typeof keepMs === "number" && keepMs >= 1 && keepMs <= limits.keepMs) return keepMs;
  throw new InvalidRequestError(
    `idempotent: keepMs is ${show(keepMs)}, not a number of milliseconds from 1 to ${limits.keepMs}.`,
  );
}

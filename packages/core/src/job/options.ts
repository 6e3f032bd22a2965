import { limits } from "../defaults.ts";
import { isPlainObject } from "../json.ts";
import { show } from "../show.ts";
import type { EnqueueOptions } from "./job.ts";
import { nameIssueOf, shortTextIssueOf } from "./names.ts";
import { timestampIssueOf } from "./time.ts";

const known = [
  "queue",
  "priority",
  "runAt",
  "delayMs",
  "startBefore",
  "maxAttempts",
  "uniqueKey",
  "uniqueUntil",
  "onConflict",
  "partitionKey",
  "headers",
];

/** Those of a job that was made without any. */
export const noOptions: EnqueueOptions = Object.freeze({});

/** Says what is wrong with a job's options, if anything. */
export function optionsIssueOf(options: unknown): string | undefined {
  if (options === noOptions) return undefined;
  if (typeof options !== "object" || options === null || !isPlainObject(options))
    return `its options are ${show(options)}, not a plain object`;
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined)
    return `it has the unknown option ${JSON.stringify(unknown)}. Known: ${known.join(", ")}`;
  const { queue, priority, maxAttempts, delayMs, partitionKey, headers } = options as EnqueueOptions;
  return (
    text("queue", queue, nameIssueOf) ??
    integer("priority", priority, limits.minPriority, limits.maxPriority) ??
    integer("maxAttempts", maxAttempts, 1, 2_147_483_647) ??
    duration("delayMs", delayMs, 0) ??
    timesIssueOf(options) ??
    uniqueIssueOf(options) ??
    onConflictIssueOf(options) ??
    text("partitionKey", partitionKey, keyIssueOf) ??
    (headers === undefined || (typeof headers === "object" && headers !== null && !Array.isArray(headers))
      ? undefined
      : `its headers are ${show(headers)}, not an object`)
  );
}

function timesIssueOf({ runAt, delayMs, startBefore }: EnqueueOptions): string | undefined {
  const issue = text("runAt", runAt, timestampIssueOf) ?? text("startBefore", startBefore, timestampIssueOf);
  if (issue !== undefined || runAt === undefined) return issue;
  if (delayMs !== undefined) return "it has both runAt and delayMs; give one of them";
  return startBefore !== undefined && startBefore <= runAt
    ? "its startBefore is not after its runAt"
    : undefined;
}

function uniqueIssueOf({ uniqueKey, uniqueUntil }: EnqueueOptions): string | undefined {
  if (uniqueKey === undefined)
    return uniqueUntil === undefined ? undefined : "it has uniqueUntil but no uniqueKey";
  const issue = text("uniqueKey", uniqueKey, keyIssueOf);
  if (issue !== undefined || uniqueUntil === undefined) return issue;
  if (uniqueUntil === "started" || uniqueUntil === "finished") return undefined;
  const keys = typeof uniqueUntil === "object" && uniqueUntil !== null ? Object.keys(uniqueUntil) : [];
  if (keys.length !== 1 || keys[0] !== "periodMs")
    return `its uniqueUntil is ${show(uniqueUntil)}, none of "started", "finished" and { periodMs }`;
  return duration("uniqueUntil.periodMs", (uniqueUntil as { periodMs: unknown }).periodMs ?? null, 1);
}

function onConflictIssueOf({ onConflict, uniqueKey, uniqueUntil }: EnqueueOptions): string | undefined {
  if (onConflict === undefined) return undefined;
  if (!["keep", "debounce", "throttle"].includes(onConflict))
    return `its onConflict is ${show(onConflict)}, none of "keep", "debounce" and "throttle"`;
  if (uniqueKey === undefined) return "it has onConflict but no uniqueKey";
  return onConflict === "keep" || (uniqueUntil ?? "started") === "started"
    ? undefined
    : `its onConflict is "${onConflict}", which changes a job that waits: its uniqueUntil can only be "started"`;
}

const keyIssueOf = (value: unknown) => shortTextIssueOf(value, limits.keyBytes);

function text(field: string, value: unknown, issueOf: (value: unknown) => string | undefined) {
  const issue = value === undefined ? undefined : issueOf(value);
  return issue && `its ${field} ${issue}`;
}

function integer(field: string, value: unknown, least: number, most: number): string | undefined {
  if (
    value === undefined ||
    (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
  )
    return undefined;
  return `its ${field} is ${show(value)}, not a whole number from ${least} to ${most}`;
}

function duration(field: string, value: unknown, least: number): string | undefined {
  if (value === undefined || (typeof value === "number" && value >= least && value <= limits.durationMs))
    return undefined;
  return `its ${field} is ${show(value)}, not a number of milliseconds from ${least} to ${limits.durationMs}`;
}

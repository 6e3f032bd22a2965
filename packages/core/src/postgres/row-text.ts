import { defaults } from "../defaults.ts";
import type { JobRow } from "../job/job.ts";

/** JSON text of a row in a batch. */
export function rowText(row: JobRow, first: boolean): string {
  const { name, queue, maxAttempts, payload } = row;
  return `{"name":${JSON.stringify(name)},"queue":${JSON.stringify(queue)},"maxAttempts":${maxAttempts}${options(row)}${
    first ? `,"first":true` : ""
  },"payload":${payload}}`;
}

/** JSON text of what few jobs have, null where this one has nothing of it. */
export function optionsText(row: JobRow, guarded: boolean, pin: string | null): string | null {
  let text = options(row);
  if (row.maxAttempts !== usualAttempts) text += `,"maxAttempts":${row.maxAttempts}`;
  if (!guarded) text += `,"guarded":false`;
  if (pin !== null) text += `,"pin":"${pin}"`;
  return text === "" ? null : `{${text.slice(1)}}`;
}

/** What enqueue_one takes where it is told nothing. */
const usualAttempts = String(defaults.maxAttempts);

/** Members of a JSON object, each after a comma. Payload and headers are JSON text already. */
function options(row: JobRow): string {
  let text = "";
  if (row.version !== "1") text += `,"version":${row.version}`;
  if (row.priority !== "0") text += `,"priority":${row.priority}`;
  if (row.runAt !== null) text += `,"runAt":${JSON.stringify(row.runAt)}`;
  if (row.delayMs !== null) text += `,"delayMs":${row.delayMs}`;
  if (row.startBefore !== null) text += `,"startBefore":${JSON.stringify(row.startBefore)}`;
  if (row.partitionKey !== null) text += `,"partitionKey":${JSON.stringify(row.partitionKey)}`;
  if (row.uniqueKey !== null)
    text += `,"uniqueKey":${JSON.stringify(row.uniqueKey)},"uniqueUntil":"${row.uniqueUntil}"`;
  if (row.periodMs !== null) text += `,"periodMs":${row.periodMs}`;
  if (row.onConflict !== null) text += `,"onConflict":"${row.onConflict}"`;
  if (row.headers !== null) text += `,"headers":${row.headers}`;
  return text;
}

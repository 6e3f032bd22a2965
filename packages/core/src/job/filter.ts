import { limits } from "../defaults.ts";
import { InvalidRequestError } from "../errors.ts";
import { isPlainObject, jsonIssueOf } from "../json.ts";
import { show } from "../show.ts";
import type { JobState } from "./job.ts";
import { nameIssueOf, shortTextIssueOf } from "./names.ts";
import { isJobType, type JobType } from "./type.ts";

/** Which jobs: those that have all of these. A property that is undefined is as if it were absent; one is needed. */
export interface JobFilter {
  /** At most 10,000. */
  readonly ids?: readonly string[] | undefined;
  /** The queue that they are in. */
  readonly queue?: string | undefined;
  /** A job type, or its name. */
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  readonly name?: string | JobType<any, any, any> | undefined;
  /** One of them, or one among several. */
  readonly state?: JobState | readonly JobState[] | undefined;
  /** As given when they were enqueued, whether the key is still theirs or not. */
  readonly uniqueKey?: string | undefined;
  /** As given when they were enqueued. */
  readonly partitionKey?: string | undefined;
  /** Contained in the job's headers, as JSON contains JSON: `{ tenant: "7" }`. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  /** Only jobs with a greater id: the `next` of an answer. Not enough by itself. */
  readonly after?: string | undefined;
}

/** What has become of a cancel, a retry or a reschedule. */
export interface Changed {
  /** The jobs that were changed, in ascending order: not those that no longer could be, nor ids that do not exist. */
  readonly ids: readonly string[];
  /**
   * Where the filter's first 10,000 jobs have been looked at, the `after` with which the same call goes on; null
   * where nothing is left.
   */
  readonly next: string | null;
}

/** What has become of a pause or a resume. */
export interface QueueChanged {
  /** False where the queue was paused, or not paused, already. */
  readonly changed: boolean;
}

const states: readonly unknown[] = ["scheduled", "ready", "running", "completed", "dead", "cancelled"];
const known = ["ids", "queue", "name", "state", "uniqueKey", "partitionKey", "headers", "after"];
const wanted = `Pass a job's id as text, or a filter: { ${known.join(", ")} }`;

/** The filter as JSON text. @throws InvalidRequestError naming the verb */
export function filterText(verb: string, target: string | JobFilter, mayBeEmpty = false): string {
  const refuse = (issue: string): never => {
    throw new InvalidRequestError(`${verb}: ${issue}. Nothing was sent to the database.`);
  };
  if (typeof target === "string") return JSON.stringify({ ids: [idOf(target, refuse)] });
  if (typeof target !== "object" || target === null || !isPlainObject(target))
    return refuse(`got ${isJobType(target) ? "a job type" : show(target)}. ${wanted}`);
  const given = Object.entries(target).filter(([, value]) => value !== undefined);
  const unknown = given.find(([key]) => !known.includes(key));
  if (unknown) refuse(`the filter has the unknown property ${JSON.stringify(unknown[0])}. ${wanted}`);
  if (!mayBeEmpty && given.every(([key]) => key === "after"))
    refuse(`the filter names no property of jobs, and would take every job there is. ${wanted}`);
  const issueOf = (key: string, issue: string | undefined) => issue && refuse(`the filter's ${key} ${issue}`);
  const { ids, queue, name, state, uniqueKey, partitionKey, headers, after } = target;
  if (ids !== undefined) {
    if (!Array.isArray(ids) || ids.length > limits.changedJobs)
      refuse(`the filter's ids are ${show(ids)}, not an array of up to ${limits.changedJobs} ids`);
    for (const id of ids) idOf(id, refuse);
  }
  if (queue !== undefined) issueOf("queue", nameIssueOf(queue));
  const nameText = isJobType(name) ? name.name : name;
  if (nameText !== undefined) issueOf("name", nameIssueOf(nameText));
  const stateList = state === undefined || Array.isArray(state) ? state : [state];
  for (const one of stateList ?? [])
    if (!states.includes(one)) refuse(`the filter's state is ${show(one)}, none of ${states.join(", ")}`);
  if (uniqueKey !== undefined) issueOf("uniqueKey", shortTextIssueOf(uniqueKey, limits.keyBytes));
  if (partitionKey !== undefined) issueOf("partitionKey", shortTextIssueOf(partitionKey, limits.keyBytes));
  if (headers !== undefined) {
    if (typeof headers !== "object" || headers === null || Array.isArray(headers))
      refuse(`the filter's headers are ${show(headers)}, not an object`);
    issueOf("headers", jsonIssueOf(headers)?.message);
  }
  if (after !== undefined) idOf(after, refuse);
  return JSON.stringify({
    ids,
    queue,
    name: nameText,
    state: stateList,
    uniqueKey,
    partitionKey,
    headers,
    after,
  });
}

function idOf(id: unknown, refuse: (issue: string) => never): string {
  if (typeof id === "string" && /^\d{1,18}$/.test(id)) return id;
  return refuse(`${show(id)} is no job's id, which is a whole number as text`);
}

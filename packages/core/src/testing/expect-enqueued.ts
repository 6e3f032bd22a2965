import type { Ambient } from "../adapter/ambient.ts";
import { type Ground, guardedCall } from "../adapter/ground.ts";
import { payloadContext } from "../codec/context.ts";
import { isEncrypted, unseal } from "../codec/seal.ts";
import { InvalidRequestError, NotEnqueuedError } from "../errors.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { jsonIssueOf } from "../json.ts";
import { show } from "../show.ts";
import { includes, type PartialPayload } from "./partial-payload.ts";

/** A job that waits in the transaction that enqueued it. */
export interface EnqueuedJob<Payload = unknown> {
  readonly id: string;
  readonly name: string;
  /** Of its job type. */
  readonly version: number;
  /** What JSON made of the payload that was passed; read, where it is stored encrypted. */
  readonly payload: Payload;
  readonly state: "scheduled" | "ready";
  readonly queue: string;
  readonly priority: number;
  /** The earliest start, by the database's clock. */
  readonly runAt: Date;
  /** How often it has been run and has failed. */
  readonly attempt: number;
  readonly uniqueKey: string | undefined;
  readonly partitionKey: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What else is expected. */
export interface ExpectEnqueuedOptions {
  /** Exactly so many jobs, 0 for none; at least one where it is not given. */
  readonly times?: number | undefined;
}

/** Makes the verb of an adapter. */
export function expectEnqueuedOn<Tx extends object>(ground: Ground<Tx>) {
  const call = guardedCall(ground);

  return async <Input, Output, Result>(
    given: Tx | Ambient<Tx>,
    jobType: JobType<Input, Output, Result>,
    partialPayload?: PartialPayload<Input>,
    { times }: ExpectEnqueuedOptions = {},
  ): Promise<EnqueuedJob<Input>[]> => {
    if (!isJobType(jobType))
      throw new InvalidRequestError(
        `expectEnqueued: the second argument is ${show(jobType)}, not what defineJob returned.`,
      );
    const tx = ground.openTransaction("expectEnqueued", given, ` of job "${jobType.name}"`);
    const expected = checkPayload(jobType.name, partialPayload);
    if (times !== undefined && !(Number.isInteger(times) && times >= 0))
      throw new InvalidRequestError(
        `expectEnqueued of job "${jobType.name}": times is ${show(times)}, not a whole number of jobs.`,
      );
    const { jobs } = await call(
      "expectEnqueued",
      tx,
      ` of job "${jobType.name}"`,
      ground.engine.enqueuedHere,
    );
    const here = await Promise.all(
      (jobs as EnqueuedJob[]).map(async (job) => readPayload(toEnqueuedJob(job), jobType)),
    );
    const matching = here.filter(
      ({ name, version, payload }) =>
        name === jobType.name &&
        version === jobType.version &&
        (expected === undefined || includes(payload, expected)),
    );
    if (times === undefined ? matching.length > 0 : matching.length === times)
      return matching as EnqueuedJob<Input>[];
    throw new NotEnqueuedError(
      `${wanted(jobType, expected, times, matching.length)} ${list(here)}`,
      jobType.name,
    );
  };
}

/** What is expected, as JSON carries it: a property that is undefined is absent. */
function checkPayload(name: string, partialPayload: unknown): unknown {
  if (partialPayload === undefined) return undefined;
  const issue = jsonIssueOf(partialPayload);
  if (issue === undefined) return JSON.parse(JSON.stringify(partialPayload));
  throw new InvalidRequestError(
    `expectEnqueued of job "${name}": the expected payload ${issue.path.length > 0 ? `at ${issue.path.join(".")} ` : ""}` +
      `${issue.message}. Jobs are stored as JSON: expect what JSON makes of the payload.`,
  );
}

function toEnqueuedJob({ runAt, uniqueKey, partitionKey, headers, ...found }: EnqueuedJob): EnqueuedJob {
  return {
    ...found,
    runAt: new Date(runAt),
    uniqueKey: uniqueKey ?? undefined,
    partitionKey: partitionKey ?? undefined,
    headers: headers ?? {},
  };
}

/** As it was passed, where its type is the one that is asked for: of others there is no codec. */
async function readPayload(
  job: EnqueuedJob,
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  jobType: JobType<any, any, any>,
): Promise<EnqueuedJob> {
  if (job.name !== jobType.name || job.version !== jobType.version || !isEncrypted(job.payload)) return job;
  const what = `expectEnqueued: job ${job.id} "${job.name}": its payload`;
  return {
    ...job,
    payload: await unseal(jobType.codec, payloadContext(jobType), job.payload, what, job.name),
  };
}

function wanted(
  { name, version }: { readonly name: string; readonly version: number },
  expected: unknown,
  times: number | undefined,
  found: number,
): string {
  const job = `job "${name}"${version === 1 ? "" : ` (version ${version})`}`;
  const having = expected === undefined ? "" : ` with ${shortened(expected)}`;
  const so = times === undefined ? "none" : `${found}, not ${times},`;
  return `expectEnqueued: of ${job}${having} ${so} ${so === "none" || found === 1 ? "is" : "are"} enqueued in this transaction.`;
}

/** Most transactions enqueue a few jobs; of many, these tell enough. */
const mostListed = 20;

function list(jobs: readonly EnqueuedJob[]): string {
  if (jobs.length === 0) return "Nothing is enqueued in it.";
  const lines = jobs.slice(0, mostListed).map(({ id, name, version, state, payload }) => {
    const of = version === 1 ? "" : `, version ${version}`;
    return `\n  job ${id} "${name}" (${state}${of}) ${shortened(payload)}`;
  });
  const others = jobs.length - lines.length;
  return `It has enqueued:${lines.join("")}${others > 0 ? `\n  and ${others} more` : ""}`;
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

import { named, type Row, sql } from "../statement.ts";
import { numberArray, textArray } from "./arrays.ts";
import { type ClaimedJob, readClaimedJobs } from "./claimed-job.ts";
import type { Settlement } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface Completion extends Settlement {
  /** How many milliseconds after the claim its handler started. */
  readonly startedMs: number;
  /** Which of the jobs of its claim it is, and how many they were; undefined where the job has a row of its own. */
  readonly place?: Place | undefined;
  /** What the handler returned, as JSON; undefined where it returned nothing. */
  readonly result?: unknown;
}

/** A job's place in a batch: the first is 0. */
export interface Place {
  readonly index: number;
  readonly size: number;
}

/** Where a claim looks: a queue and a priority, from a position on. */
export interface Lane {
  readonly queue: string;
  readonly priority: number;
  readonly bound: number;
}

/** A job type that a worker takes jobs of. */
export interface ClaimedType {
  readonly name: string;
  readonly version: number;
  /** Its jobs keep rows of their own while they run: their handler completes them in a transaction. */
  readonly apart?: boolean | undefined;
}

export interface ClaimInput {
  readonly worker: string;
  /** In the order in which they are read. */
  readonly lanes: readonly Lane[];
  /** The job types that this worker has handlers for. */
  readonly types: readonly ClaimedType[];
  /** How many jobs to take at most. */
  readonly most: number;
  /** How many of them start at once; the others are claimed ahead. */
  readonly free: number;
}

export interface StepInput extends ClaimInput {
  readonly completions: readonly Completion[];
}

export interface StepAnswer {
  /** The fence token of the jobs that were claimed. */
  readonly claim: string | null;
  /** The transaction of this step, where it wrote anything; and the oldest that still ran when it looked. */
  readonly xid: string | null;
  readonly oldest: string | null;
  /** The last position that had been drawn when it began to look, and when it ended. */
  readonly begun: number;
  readonly front: number;
  /** Queues whose lanes were not read: they are paused, or have limits. */
  readonly closed: readonly string[];
  /** Completions that somebody else's lock kept from being written; and those of jobs that another has by now. */
  readonly busy: readonly string[];
  readonly lost: readonly string[];
  /** The same of whole claims. */
  readonly busyBatches: readonly string[];
  readonly lostBatches: readonly string[];
  /** In the order in which they are to run. */
  readonly jobs: readonly ClaimedJob[];
}

/** Completes attempts and claims jobs, in one round trip: sql/0006_claim.sql says how. */
export const step = (schema: Schema) =>
  named(
    "pillion_step",
    sql<StepInput>`
select ${schema.step}(${(input) => input.worker}::text::bigint, ${(input) => numberArray([...batchesOf(input).keys()])}::text::bigint[],
  ${(input) => textArray([...batchesOf(input).values()].map(numberArray))}::text::text[],
  ${(input) => numberArray(rowsOf(input).map(({ id }) => id))}::text::bigint[], ${(input) => numberArray(rowsOf(input).map(({ claim }) => claim))}::text::bigint[],
  ${(input) => numberArray(rowsOf(input).map(({ startedMs }) => Math.round(startedMs)))}::text::integer[], ${(input) => results(input.completions)}::text::jsonb,
  ${queues}::text::text[], ${priorities}::text::smallint[], ${bounds}::text::bigint[],
  ${names}::text::text[], ${versions}::text::integer[], ${aparts}::text::boolean[],
  ${(input) => String(input.most)}::text::integer, ${(input) => String(input.free)}::text::integer) as answer`,
  );

/** The same where nothing is to be completed: a worker that was idle says less, and is sooner answered. */
export const claim = (schema: Schema) =>
  named(
    "pillion_claim",
    sql<ClaimInput>`
select ${schema.step}(${(input) => input.worker}::text::bigint, '{}', '{}', '{}', '{}', '{}', null,
  ${queues}::text::text[], ${priorities}::text::smallint[], ${bounds}::text::bigint[],
  ${names}::text::text[], ${versions}::text::integer[], ${aparts}::text::boolean[],
  ${(input) => String(input.most)}::text::integer, ${(input) => String(input.free)}::text::integer) as answer`,
  );

export function readStep(
  [row]: readonly Row[],
  { lanes, types }: Pick<StepInput, "lanes" | "types">,
): StepAnswer {
  const [head, ...jobs] = JSON.parse(row!.answer!);
  return {
    claim: head.claim,
    xid: head.xid,
    oldest: head.oldest,
    begun: head.begun ?? 0,
    front: head.front ?? 0,
    closed: head.closed ?? [],
    busy: head.busy ?? [],
    lost: head.lost ?? [],
    busyBatches: head.busyBatches ?? [],
    lostBatches: head.lostBatches ?? [],
    jobs: readClaimedJobs(
      jobs,
      lanes.map(({ queue }) => queue),
      types.map(({ name }) => name),
      head.charged ?? [],
    ),
  };
}

const queues = ({ lanes }: ClaimInput) => textArray(lanes.map(({ queue }) => queue));
export const priorities = ({ lanes }: Pick<ClaimInput, "lanes">) =>
  numberArray(lanes.map(({ priority }) => priority));
export const bounds = ({ lanes }: Pick<ClaimInput, "lanes">) => numberArray(lanes.map(({ bound }) => bound));
export const names = ({ types }: Pick<ClaimInput, "types">) => writtenOf(types).names;
export const versions = ({ types }: Pick<ClaimInput, "types">) => writtenOf(types).versions;
const aparts = ({ types }: ClaimInput) => writtenOf(types).aparts;

/** Job types as they are sent: a worker asks for the same ones each time. */
const written = new WeakMap<readonly ClaimedType[], ReturnType<typeof write>>();
function writtenOf(types: readonly ClaimedType[]): ReturnType<typeof write> {
  const known = written.get(types) ?? write(types);
  written.set(types, known);
  return known;
}
const write = (types: readonly ClaimedType[]) => ({
  names: textArray(types.map(({ name }) => name)),
  versions: numberArray(types.map(({ version }) => version)),
  aparts: textArray(types.map(({ apart }) => String(apart === true))),
});

const rowsOf = ({ completions }: StepInput) => completions.filter(({ place }) => place === undefined);

/** By claim, for each of its jobs: when its handler started, -1 where it is not to be completed. */
function batchesOf({ completions }: StepInput): ReadonlyMap<string, number[]> {
  const batches = new Map<string, number[]>();
  for (const { claim, place, startedMs } of completions) {
    if (!place) continue;
    const started = batches.get(claim) ?? new Array<number>(place.size).fill(-1);
    batches.set(claim, started);
    started[place.index] = Math.max(0, Math.round(startedMs));
  }
  return batches;
}

/** Null where no handler returned anything, as most do not. */
function results(completions: readonly Completion[]): string | null {
  const returned = completions.filter(({ result }) => result !== undefined);
  return returned.length === 0
    ? null
    : JSON.stringify(Object.fromEntries(returned.map(({ id, result }) => [id, result])));
}

import { type Row, sql } from "../statement.ts";
import { type ClaimedJob, readClaimedJobs } from "./claimed-job.ts";
import type { Schema } from "./schema.ts";
import { bounds, type Lane, names, priorities, type StepAnswer, type StepInput, versions } from "./step.ts";

export interface ClaimByKeyInput extends Pick<StepInput, "worker" | "types" | "most"> {
  readonly queue: string;
  /** The partition key after which to look: each claim goes on where the last one stopped. */
  readonly after: string;
  /** What the last claim told of the slots; undefined to count them all. */
  readonly slots: Slots | undefined;
  /** Where the jobs without a key stand. */
  readonly lanes: readonly Lane[];
  /** Where those with keys stand, as the last claim has told; undefined to look at each key from its beginning. */
  readonly lines: Lines | undefined;
}

/** Where the jobs of each key stand, and whether the last claim found any. */
export type Lines = readonly (readonly [
  key: string,
  found: boolean,
  positions: Readonly<Record<string, number>>,
  ofOtherPriorities: number,
])[];

/** The lowest claim whose jobs may still hold slots of a queue; it says nothing of another run of the server. */
export interface Slots {
  readonly serverRun: string;
  readonly from: number;
}

/** What a claim tells of lanes that it has read all. */
interface LanesRead extends Pick<StepAnswer, "oldest" | "xid" | "begun" | "front"> {
  /** Priorities of those in which there may be more than was taken. */
  readonly unread: readonly number[];
}

export interface ClaimByKeyAnswer {
  readonly claim: string | null;
  /** Where to go on; empty for the beginning. */
  readonly after: string;
  /** Whether the last key was looked at, and whether every key was. */
  readonly end: boolean;
  readonly whole: boolean;
  /** True where another worker claims from this queue at this moment. */
  readonly busy: boolean;
  /** In how many milliseconds a rate limit lets the next job start; null where none holds it back. */
  readonly waitMs: number | null;
  /** Undefined where nothing was counted. */
  readonly slots: Slots | undefined;
  /** Undefined where the lanes were not read. */
  readonly lanes: LanesRead | undefined;
  /** Where the next claim may look; null where from the beginning, undefined where this one did not look. */
  readonly lines: Lines | null | undefined;
  readonly jobs: readonly ClaimedJob[];
}

/** Claims jobs of a queue in which limits or partition keys count: sql/0007_limits.sql says how. */
export const claimByKey = (schema: Schema) => sql<ClaimByKeyInput>`
select ${schema.claimByKey}(${(input) => input.worker}::text::bigint, ${(input) => input.queue}::text, ${(input) => input.after}::text,
  ${names}::text::text[], ${versions}::text::integer[],
  ${(input) => String(input.most)}::text::integer, ${(input) => input.slots?.serverRun ?? null}::text, ${(input) => String(input.slots?.from ?? 0)}::text::bigint,
  ${priorities}::text::smallint[], ${bounds}::text::bigint[],
  ${({ lines }) => (lines ? JSON.stringify(lines) : null)}::text::jsonb) as answer`;

export function readClaimByKey(
  [row]: readonly Row[],
  { queue, types }: Pick<ClaimByKeyInput, "queue" | "types">,
): ClaimByKeyAnswer {
  const [head, ...jobs] = JSON.parse(row!.answer!);
  return {
    claim: head.claim ?? null,
    after: head.after,
    end: head.end,
    whole: head.whole,
    busy: head.busy,
    waitMs: head.waitMs ?? null,
    slots: head.serverRun && head.slots ? { serverRun: head.serverRun, from: head.slots } : undefined,
    lanes: head.lanes ?? undefined,
    lines: head.lines,
    jobs: readClaimedJobs(
      jobs,
      [queue],
      types.map(({ name }) => name),
    ),
  };
}

import { type Row, sql } from "../statement.ts";
import { numberArray, textArray } from "./arrays.ts";
import { type ClaimedJob, readClaimedJobs } from "./claimed-job.ts";
import type { Schema } from "./schema.ts";
import type { StepInput } from "./step.ts";

export interface ClaimByKeyInput extends Pick<StepInput, "worker" | "types" | "most"> {
  readonly queue: string;
  /** The partition key after which to look: each claim goes on where the last one stopped. */
  readonly after: string;
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
  readonly jobs: readonly ClaimedJob[];
}

/** Claims jobs of a queue in which limits or partition keys count: sql/0007_limits.sql says how. */
export const claimByKey = (schema: Schema) => sql<ClaimByKeyInput>`
select ${schema.claimByKey}(${(input) => input.worker}::text::bigint, ${(input) => input.queue}::text, ${(input) => input.after}::text,
  ${(input) => textArray(input.types.map(({ name }) => name))}::text::text[], ${(input) => numberArray(input.types.map(({ version }) => version))}::text::integer[],
  ${(input) => String(input.most)}::text::integer) as answer`;

export function readClaimByKey(
  [row]: readonly Row[],
  { queue, types }: Pick<ClaimByKeyInput, "queue" | "types">,
): ClaimByKeyAnswer {
  const [head, ...jobs] = JSON.parse(row!.answer!);
  return {
    ...head,
    jobs: readClaimedJobs(
      jobs,
      [queue],
      types.map(({ name }) => name),
    ),
  };
}

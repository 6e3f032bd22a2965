import { type Row, sql } from "../statement.ts";
import { numberArray, textArray } from "./arrays.ts";
import type { Schema } from "./schema.ts";
import type { StepInput } from "./step.ts";

export interface TickInput extends Pick<StepInput, "lanes" | "types"> {
  /** Whose lease is to be renewed. */
  readonly worker: string;
  /** The lowest claim that it can still hold. */
  readonly since: string;
  /** The queues in which it says that it sleeps: on a connection of its own only. */
  readonly asleep: readonly string[];
  /** How many jobs to rescue, and to promote, at most. */
  readonly most: number;
}

export interface TickAnswer {
  /** False where the worker's row is gone. */
  readonly known: boolean;
  /** Whether another worker that lives looks at one of its queues. */
  readonly shared: boolean | null;
  /** `id:claim` of each attempt that it holds, and of those whose job has been cancelled meanwhile. */
  readonly held: readonly string[];
  readonly cancelled: readonly string[];
  readonly rescued: readonly {
    readonly id: number;
    readonly name: string;
    readonly attempt: number;
    readonly state: string;
  }[];
  readonly promoted: number | null;
  /** Milliseconds until the next scheduled job, and the next schedule, is due; null for none. */
  readonly nextMs: number | null;
  readonly scheduleMs: number | null;
  /** Those of `asleep` in which it says from now on that it sleeps; in the others somebody is enqueuing, or sleeps already. */
  readonly locked: readonly string[];
  /** Those of `asleep` in which transactions have enqueued that are still open, and will wake nobody. */
  readonly enqueuing: readonly string[];
  /** Whether there is a job for it in one of the lanes. */
  readonly ready: boolean;
  /** Queues in which limits or partition keys must be looked at. */
  readonly special: readonly string[];
  /** False where another worker was just bringing events and those who wait together: look again soon. */
  readonly met: boolean;
  /** What could not be done, and why. */
  readonly failed: readonly string[];
}

/** A beat of a worker: its lease, what is due for all, and whether there is work: sql/0008_upkeep.sql says how. */
export const tick = (schema: Schema) => sql<TickInput>`
select ${schema.tick}(${(input) => input.worker}::text::bigint, ${(input) => input.since}::text::bigint, ${(input) => textArray(input.asleep)}::text::text[],
  ${(input) => textArray(input.lanes.map(({ queue }) => queue))}::text::text[], ${(input) => numberArray(input.lanes.map(({ priority }) => priority))}::text::smallint[],
  ${(input) => numberArray(input.lanes.map(({ bound }) => bound))}::text::bigint[], ${(input) => textArray(input.types.map(({ name }) => name))}::text::text[],
  ${(input) => numberArray(input.types.map(({ version }) => version))}::text::integer[], ${(input) => String(input.most)}::text::integer) as answer`;

export const readTick = ([row]: readonly Row[]): TickAnswer => JSON.parse(row!.answer!);

import { named, type Row, sql } from "../statement.ts";
import { numberArray, textArray } from "./arrays.ts";
import type { StoredError } from "./discard.ts";
import type { Settlement, SettleStatus } from "./fence.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

/** What a step does: work, or a wait for a time, an event, or children. */
export type StepKind = "step" | "sleep" | "event" | "run";

export interface CheckpointInput extends Settlement {
  readonly position: number;
  readonly name: string;
  /** JSON text; null where the step answered nothing. */
  readonly result: string | null;
  /** How many milliseconds ago it began. */
  readonly tookMs: () => number;
}

/** A step that is recorded by itself, not beside writes of the application. */
export interface RecordInput extends CheckpointInput {
  readonly kind: StepKind;
  /** How it failed, JSON text, where the handler goes on all the same. */
  readonly error: string | null;
}

/** What a step waits for: at most one of them besides the time. */
export interface BeginWaitInput extends Settlement {
  readonly position: number;
  readonly kind: StepKind;
  readonly name: string;
  /** Milliseconds from now, or a time; neither for no end. */
  readonly untilMs?: number | undefined;
  readonly until?: Date | undefined;
  readonly event?: { readonly name: string; readonly key: string } | undefined;
  /** The children's rows, JSON text. */
  readonly jobs?: string | undefined;
  /** In a test, where it is later than the clock. */
  readonly now?: string | null | undefined;
}

export interface ReadStepsInput extends Settlement {
  readonly now?: string | null | undefined;
}

/** What is recorded of a step. */
export interface RecordedStep {
  readonly position: number;
  readonly kind: StepKind;
  readonly name: string;
  /** False while it waits. */
  readonly done: boolean;
  readonly result: unknown;
  readonly error: StoredError | null;
  /** Until its wait is over, in milliseconds; null where it has no end. */
  readonly delayMs: number | null;
  /** Children that have ended, and not completed, where all have ended. */
  readonly failures: readonly StepFailure[] | null;
}

/** A child that did not complete. */
interface StepFailure {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly error: StoredError | null;
}

export interface StepsAnswer {
  readonly status: SettleStatus;
  readonly again: boolean;
  readonly steps: readonly RecordedStep[];
}

/** Records what a step came to, in the transaction of its writes: sql/0015_steps.sql says how. */
export const checkpoint = (schema: Schema) => sql<CheckpointInput>`
select ${schema.checkpoint}(${({ id }) => id}::text::bigint, ${({ claim }) => claim}::text::bigint,
  ${({ position }) => String(position)}::text::integer, ${({ name }) => name}::text, ${({ result }) => result}::text::jsonb,
  ${({ tookMs }) => String(tookMs())}::text::float8) as status`;

/** Records what many steps came to, none of them beside writes of the application. */
export const checkpoints = (schema: Schema) =>
  named(
    "pillion_checkpoints",
    sql<readonly RecordInput[]>`
select ${schema.checkpoints}(${(steps) => numberArray(steps.map(({ id }) => id))}::text::bigint[],
  ${(steps) => numberArray(steps.map(({ claim }) => claim))}::text::bigint[], ${(steps) => numberArray(steps.map(({ position }) => position))}::text::integer[],
  ${(steps) => textArray(steps.map(({ kind }) => kind))}::text::text[], ${(steps) => textArray(steps.map(({ name }) => name))}::text::text[],
  ${(steps) => textArray(steps.map(({ result }) => result ?? ""))}::text::text[],
  ${(steps) => textArray(steps.map(({ error }) => error ?? ""))}::text::text[],
  ${(steps) => numberArray(steps.map(({ tookMs }) => tookMs()))}::text::float8[]) as unrecorded`,
  );

/** What became of each of so many, in their order. */
export function readCheckpoints([row]: readonly Row[], count: number): readonly SettleStatus[] {
  const statuses = new Array<SettleStatus>(count).fill("done");
  if (row!.unrecorded === null) return statuses;
  const { busy, lost } = JSON.parse(row!.unrecorded!) as Record<"busy" | "lost", readonly number[] | null>;
  for (const place of busy ?? []) statuses[place] = "busy";
  for (const place of lost ?? []) statuses[place] = "lost";
  return statuses;
}

/** Records that a step waits. */
export const beginWait = (schema: Schema) => sql<BeginWaitInput>`
select ${schema.beginWait}(${({ id }) => id}::text::bigint, ${({ claim }) => claim}::text::bigint,
  ${({ position }) => String(position)}::text::integer, ${({ kind }) => kind}::text, ${({ name }) => name}::text,
  ${({ untilMs }) => (untilMs === undefined ? null : String(untilMs))}::text::float8,
  ${({ until }) => until?.toISOString() ?? null}::text::timestamptz,
  ${({ event }) => event?.name ?? null}::text, ${({ event }) => event?.key ?? null}::text, ${({ jobs }) => jobs ?? null}::text::json,
  ${nowText}::text::timestamptz) as status`;

/** What the steps of a job have come to by now. */
export const readSteps = (schema: Schema) => sql<ReadStepsInput>`
select ${schema.readSteps}(${({ id }) => id}::text::bigint, ${({ claim }) => claim}::text::bigint, ${nowText}::text::timestamptz) as answer`;

export function readStatus([row]: readonly Row[]): SettleStatus {
  return row!.status as SettleStatus;
}

export function readStepsAnswer([row]: readonly Row[]): StepsAnswer {
  const { status, again, steps } = JSON.parse(row!.answer!);
  return {
    status,
    again: again ?? false,
    steps: (steps ?? []).map(
      ([position, kind, name, done, result, error, delayMs, failures]: readonly never[]) => ({
        position,
        kind,
        name,
        done,
        result,
        error,
        delayMs,
        failures,
      }),
    ),
  };
}

/** Whether a step is recorded: for whoever did not hear what became of a COMMIT. */
export const isRecorded = (schema: Schema) => sql<{ readonly id: string; readonly position: number }>`
select exists (select from ${schema.checkpointTable} c where c.job = ${({ id }) => id}::text::bigint
  and c.ordinal = ${({ position }) => String(position)}::text::integer and c.done)::text as written`;

/**
 * Removes the steps of jobs of which nothing is kept any more, and what they wait for. Looks at the next `limit` jobs
 * with steps after `after`; answers the last of them, or no row at the end.
 */
export const sweepSteps = (schema: Schema) => sql<{ readonly limit: number; readonly after: string }>`
with looked as materialized (
  select distinct c.job from (
    select c.job from ${schema.checkpointTable} c where c.job > ${({ after }) => after}::text::bigint
    order by c.job, c.ordinal limit ${({ limit }) => String(limit)}::text::bigint) c
), gone as materialized (
  select l.job from looked l
  where not exists (select from ${schema.live} j where j.id = l.job) and not exists (select from ${schema.archive} a where a.id = l.job)
), waits as (
  delete from ${schema.wait} w where w.ctid = any (array(
    select w.ctid from gone g join ${schema.wait} w on w.job = g.job for update of w skip locked))
), removed as (
  delete from ${schema.checkpointTable} c where c.ctid = any (array(
    select c.ctid from gone g join ${schema.checkpointTable} c on c.job = g.job for update of c skip locked))
)
select max(job)::text as last from looked having count(*) > 0`;

/** Removes events that are kept no longer. The end of a child is kept for as long as its parent lives. */
export const sweepEvents = (schema: Schema) => sql<{ readonly limit: number; readonly now?: string | null }>`
with past as materialized (
  select e.ctid as row, e.name = '' and exists (
    select from ${schema.job} j where j.id = (case when e.name = '' then e.payload ->> 'parent' end)::bigint) as needed
  from ${schema.event} e
  where e.expires_at <= coalesce(${nowText}::text::timestamptz, statement_timestamp())
  order by e.expires_at limit ${({ limit }) => String(limit)}::text::bigint for update skip locked
), kept as (
  update ${schema.event} e set expires_at = statement_timestamp() + interval '1 day' from past p where e.ctid = p.row and p.needed
)
delete from ${schema.event} e using past p where e.ctid = p.row and not p.needed`;

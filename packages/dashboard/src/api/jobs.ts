import type { JobState } from "@pillion/core";
import type {
  AttemptRecord,
  ChildRecord,
  ErrorRecord,
  FoundJobs,
  JobSummary,
  StepRecord,
} from "@pillion/core/admin";
import type { ValueView } from "./values.ts";
import type { Wire } from "./wire.ts";

/** All of these; as parameters of a URL, `state` repeated, `headers` as JSON text, `ids` with commas. */
export interface JobsFilter {
  readonly state?: readonly JobState[] | undefined;
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
  readonly uniqueKey?: string | undefined;
  readonly partitionKey?: string | undefined;
  /** Contained in the job's headers. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly ids?: readonly string[] | undefined;
}
export interface JobsQuery extends JobsFilter {
  /** Only jobs with a lower id: the `next` of the page before. */
  readonly before?: string | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}
export interface JobsAnswer extends Wire<Omit<FoundJobs, "jobs">> {
  /** The newest first. */
  readonly jobs: readonly JobView[];
}

/** In a list, without `stack`, and with at most 300 characters of the message. What is encrypted is not shown. */
export type ErrorView = Omit<ErrorRecord, "encrypted">;
/** What it failed with is cut to what a page can hold. */
type Failing<T> = Wire<Omit<T, "error">> & { readonly error: ErrorView | null };

/** A job without what may be secret: payload, headers and results are asked for by `…/values`. */
export type JobView = Failing<Omit<JobSummary, "payload" | "headers" | "result">>;
export type AttemptView = Failing<AttemptRecord>;
export type StepView = Failing<Omit<StepRecord, "result">>;
export interface JobAnswer {
  readonly job: JobView;
  /** The first first. */
  readonly attempts: readonly AttemptView[];
  readonly steps: readonly StepView[];
  readonly children: readonly ChildRecord[];
}

export interface JobValues {
  readonly payload: ValueView;
  readonly headers: ValueView;
  readonly result: ValueView;
  readonly steps: readonly { readonly position: number; readonly result: ValueView }[];
}

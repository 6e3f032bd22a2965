export type { FailedJob, RanJob } from "../errors.ts";
export type { EnqueuedJob, ExpectEnqueuedOptions } from "./expect-enqueued.ts";
export type { PartialPayload } from "./partial-payload.ts";
export type { RunEnqueuedOptions, RunEnqueuedResult } from "./run-enqueued.ts";
export { type TestVerbs, testingOf } from "./testing-of.ts";

export type { Settings, Verbs } from "./adapter/define-adapter.ts";
export type { Database } from "./database.ts";
export { defaults, limits } from "./defaults.ts";
export {
  DiscardError,
  InvalidConfigurationError,
  InvalidDefinitionError,
  InvalidJobError,
  JobTimeoutError,
  LeaseLostError,
  NotInTransactionError,
  type PayloadIssue,
  PillionError,
  type PillionErrorCode,
  RetryError,
  SchemaOutdatedError,
  sqlStateOf,
  TransactionChangedError,
  WorkerStoppingError,
} from "./errors.ts";
export type { Enqueued, EnqueueOptions, Job, JobState } from "./job.ts";
export {
  type Backoff,
  defineJob,
  type JobDefinition,
  type JobType,
  type PayloadOf,
  type RetryDecision,
  type,
} from "./job-type.ts";
export type { Json, JsonOf } from "./json.ts";

export type { Ambient } from "./adapter/ambient.ts";
export type { SetLocal } from "./adapter/set-local.ts";
export type { Settings } from "./adapter/settings.ts";
export type { Verbs } from "./adapter/verbs.ts";
export type { Codec, CodecContext, Encoded } from "./codec/codec.ts";
export { type Definitions, definitionsWith } from "./codec/definitions.ts";
export { type EncryptedValue, isEncrypted } from "./codec/seal.ts";
export type { Database } from "./database.ts";
export { defaults, limits } from "./defaults.ts";
export {
  ChildFailedError,
  type ChildFailure,
  CodecError,
  DiscardError,
  EventTimeoutError,
  type FailedJob,
  InvalidConfigurationError,
  InvalidDefinitionError,
  InvalidJobError,
  InvalidRequestError,
  InvalidResultError,
  InvalidStepError,
  JobCancelledError,
  JobDeadError,
  JobNotFoundError,
  JobsFailedError,
  JobTimeoutError,
  LeaseLostError,
  NoSavepointsError,
  NotEnqueuedError,
  NotInTransactionError,
  type PayloadIssue,
  PillionError,
  type PillionErrorCode,
  type RanJob,
  ReentryError,
  RetryError,
  SchemaLockedError,
  SchemaOutdatedError,
  StepFailedError,
  StepsChangedError,
  type StoredJobError,
  sqlStateOf,
  TransactionChangedError,
  WaitTimeoutError,
  WorkerStoppingError,
} from "./errors.ts";
export type { Backoff } from "./job/backoff.ts";
export type { JobDefinition, RetryDecision } from "./job/definition.ts";
export { defineEvent, type EmitOptions, type Emitted, type Event, type EventType } from "./job/event.ts";
export type { Changed, JobFilter, QueueChanged } from "./job/filter.ts";
export { type HeaderSource, provideHeaders } from "./job/headers.ts";
export type { Enqueued, EnqueueOptions, JobState } from "./job/job.ts";
export type { Published, PublishOptions } from "./job/publication.ts";
export type { Time } from "./job/time.ts";
export { defineTopic, type Subscription, subscribe, type Topic } from "./job/topic.ts";
export { defineJob, type Job, type JobType, type PayloadOf, type } from "./job/type.ts";
export type { Json, JsonOf } from "./json.ts";

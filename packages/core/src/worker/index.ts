export type { DurableJob, ResultOf } from "../handler/durable.ts";
export {
  type ActiveJob,
  type Around,
  type BatchHandler,
  type BatchReturn,
  type Handler,
  handle,
  handleMany,
} from "../handler/handler.ts";
export type { Snooze } from "../handler/snooze.ts";
export { type CronSchedule, type IntervalSchedule, type Schedule, schedule } from "../schedule/schedule.ts";
export type { FailOptions } from "./attempt/outcome.ts";
export { type Claimer, type ClaimOptions, createClaimer, type FailResult } from "./claimer/claimer.ts";
export type { ClaimerOptions } from "./claimer/claimer-settings.ts";
export type { AnyJobType, HeldJob, HeldJobOf } from "./claimer/held-job.ts";
export type { DatabaseOption } from "./connect.ts";
export type { AttemptInfo, EndedAttempt, WorkerEvents } from "./hooks.ts";
export type { Logger } from "./logger.ts";
export type { RunOnceOptions, RunOnceResult } from "./run-once.ts";
export type { WorkerOptions, WorkerQueue } from "./settings.ts";
export {
  createWorker,
  type StopOptions,
  type Worker,
} from "./worker.ts";

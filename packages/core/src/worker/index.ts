export { type CronSchedule, type IntervalSchedule, type Schedule, schedule } from "../schedule/schedule.ts";
export { type Claimer, type ClaimOptions, createClaimer, type FailResult } from "./claimer.ts";
export type { ClaimerOptions } from "./claimer-settings.ts";
export type { DatabaseOption } from "./connect.ts";
export {
  type ActiveJob,
  type BatchHandler,
  type BatchReturn,
  type Handler,
  handle,
  handleMany,
} from "./handler.ts";
export type { AnyJobType, HeldJob, HeldJobOf } from "./held-job.ts";
export type { Logger } from "./logger.ts";
export type { FailOptions } from "./outcome.ts";
export type { RunOnceOptions, RunOnceResult } from "./run-once.ts";
export type { WorkerOptions, WorkerQueue } from "./settings.ts";
export type { Snooze } from "./snooze.ts";
export {
  createWorker,
  type StopOptions,
  type Worker,
} from "./worker.ts";

export { type CronSchedule, type IntervalSchedule, type Schedule, schedule } from "../schedule/schedule.ts";
export type { DatabaseOption } from "./connect.ts";
export { type ActiveJob, type Handler, handle } from "./handler.ts";
export type { Logger } from "./logger.ts";
export type { WorkerOptions } from "./settings.ts";
export {
  createWorker,
  type RunOnceOptions,
  type RunOnceResult,
  type StopOptions,
  type Worker,
} from "./worker.ts";

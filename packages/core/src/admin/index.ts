export type { ScheduleRecord } from "../schedule/record.ts";
export { type CronSchedule, type IntervalSchedule, type Schedule, schedule } from "../schedule/schedule.ts";
export { type Admin, type AttemptRecord, createAdmin, type JobRecord } from "./admin.ts";
export type { ListSchedulesOptions, ScheduleAdmin } from "./schedules.ts";

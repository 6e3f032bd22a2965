export { type DiagnoseOptions, type Diagnosis, diagnose } from "../doctor/diagnose.ts";
export type { Finding, FindingCode, Severity } from "../doctor/finding.ts";
export { type DiagnoseLimits, diagnoseDefaults } from "../doctor/limits.ts";
export type { DiagnosedDatabase } from "../doctor/patient.ts";
export type { ScheduleRecord } from "../schedule/record.ts";
export { type CronSchedule, type IntervalSchedule, type Schedule, schedule } from "../schedule/schedule.ts";
export { type Admin, createAdmin } from "./admin.ts";
export type { Count, JobVerbs, Progress } from "./change-jobs.ts";
export type { DeadGroup, DeadGroups, DeadGroupsOptions, DeadVerbs } from "./dead-groups.ts";
export type { EventRecord, EventVerbs } from "./events.ts";
export type {
  AttemptRecord,
  ChildRecord,
  ErrorRecord,
  JobRecord,
  JobSummary,
  StepRecord,
} from "./job-record.ts";
export type { FoundJobs, LookVerbs } from "./look-for-jobs.ts";
export type { Paging } from "./paging.ts";
export type { QueueSettings, Rate } from "./queue-settings.ts";
export type { QueueRecord, QueueVerbs } from "./queues.ts";
export { reveal } from "./reveal.ts";
export type { ListSchedulesOptions, ScheduleAdmin } from "./schedules.ts";
export type { Throughput, ThroughputBucket, ThroughputOptions } from "./throughput.ts";
export type { TopicVerbs } from "./topics.ts";
export type { WaitOptions } from "./wait-for.ts";
export type { WorkerRecord, WorkerVerbs } from "./workers.ts";

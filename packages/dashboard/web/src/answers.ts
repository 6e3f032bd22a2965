import type {
  Board,
  DeadAnswer,
  DoctorAnswer,
  JobAnswer,
  JobsAnswer,
  JobValues,
  looks,
  Overview,
  Problem,
  QueuesAnswer,
  SchedulesAnswer,
  ScheduleValues,
  ThroughputAnswer,
  WorkersAnswer,
} from "../../src/api.ts";

/** What each route answers. */
export interface Answers extends Record<keyof typeof looks, unknown> {
  "api/board": Board;
  "api/overview": Overview;
  "api/queues": QueuesAnswer;
  "api/throughput": ThroughputAnswer;
  "api/jobs": JobsAnswer;
  "api/jobs/:id": JobAnswer;
  "api/jobs/:id/values": JobValues;
  "api/dead": DeadAnswer;
  "api/schedules": SchedulesAnswer;
  "api/schedules/values": ScheduleValues;
  "api/workers": WorkersAnswer;
  "api/doctor": DoctorAnswer;
}
export type Route = keyof Answers;

/** Why there is no answer: what the server says, or that nobody does. */
export interface Refusal extends Pick<Problem, "status" | "title" | "detail"> {
  readonly code: Problem["code"] | "UNREACHABLE";
  /** When to ask again, where the server has said so. */
  readonly retryAfterMs: number | null;
}

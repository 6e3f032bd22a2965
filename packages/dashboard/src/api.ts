/**
 * What the page and the server say to each other: every route, what it takes and what it answers. Paths stand below the
 * mount (`<base href>` of the page): `new URL("api/queues", document.baseURI)`. Times are ISO text by the database's clock,
 * ids are text, durations are milliseconds.
 *
 * Every route answers 401 where `authorize` says no. Every error is a {@link Problem}, of type application/problem+json.
 * GETs carry an ETag, and answer 304 to its If-None-Match. POSTs need the header {@link boardHeader}, a body of type
 * application/json of at most {@link mostBodyBytes}, and a page of the same origin; in read-only mode they answer 403.
 *
 * The built page is the module `generated/page.ts`: its HTML, in which `%BASE%` stands for the mount (`<base href="%BASE%/">`),
 * and the files that it loads from `assets/`, with a hash in each name. Its policy: `default-src 'none'; script-src 'self';
 * style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none';
 * frame-ancestors 'none'`.
 */
import type { DeadAnswer } from "./api/dead.ts";
import type { DoctorAnswer } from "./api/doctor.ts";
import type { JobAnswer, JobsAnswer, JobValues } from "./api/jobs.ts";
import type { Overview } from "./api/overview.ts";
import type { QueuesAnswer, ThroughputAnswer } from "./api/queues.ts";
import type { SchedulesAnswer, ScheduleValues } from "./api/schedules.ts";
import type { WorkersAnswer } from "./api/workers.ts";

export type { JobState } from "@pillion/core";
export type * from "./api/actions.ts";
export type * from "./api/dead.ts";
export type * from "./api/doctor.ts";
export type * from "./api/jobs.ts";
export type * from "./api/overview.ts";
export type * from "./api/problem.ts";
export type * from "./api/queues.ts";
export type * from "./api/schedules.ts";
export type * from "./api/values.ts";
export type * from "./api/workers.ts";

/** `fetch(url, { method: "POST", headers: { "content-type": "application/json", [boardHeader]: "1" }, body })`. */
export const boardHeader = "x-pillion-board";
export const mostBodyBytes = 262_144;

/** Every route that looks, by its path, and how often a page that is seen may ask it again; null: only when asked to. */
export const looks = {
  /** → {@link Board} */
  "api/board": null,
  /** {@link ThroughputQuery} → {@link Overview} */
  "api/overview": 4_000,
  /** → {@link QueuesAnswer} */
  "api/queues": 2_000,
  /** {@link ThroughputQuery} → {@link ThroughputAnswer} */
  "api/throughput": 4_000,
  /** {@link JobsQuery} → {@link JobsAnswer} */
  "api/jobs": 4_000,
  /** → {@link JobAnswer}; 404 NO_SUCH_JOB, 400 for what is no id */
  "api/jobs/:id": 2_000,
  /** → {@link JobValues}; 403 VALUES_FORBIDDEN */
  "api/jobs/:id/values": null,
  /** {@link DeadQuery} → {@link DeadAnswer} */
  "api/dead": 10_000,
  /** {@link SchedulesQuery} → {@link SchedulesAnswer} */
  "api/schedules": 4_000,
  /** {@link ScheduleValuesQuery} → {@link ScheduleValues}; 403 VALUES_FORBIDDEN, 404 NO_SUCH_SCHEDULE */
  "api/schedules/values": null,
  /** → {@link WorkersAnswer} */
  "api/workers": 2_000,
  /** → {@link DoctorAnswer}. It takes longer than the others, and is kept for 10 s. */
  "api/doctor": null,
} as const;

export interface Board {
  /** Stands in the head of the page. */
  readonly title: string;
  readonly schema: string;
  readonly version: string;
  /** Of this viewer. */
  readonly readOnly: boolean;
  /** False where this viewer may not ask for payloads and results. */
  readonly values: boolean;
  /** Who is looking, as `authorize` has said. */
  readonly viewer: string | null;
}

/** What each look answers. */
export interface LookAnswers extends Record<keyof typeof looks, unknown> {
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

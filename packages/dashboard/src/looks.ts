import type { Admin, ScheduleRecord } from "@pillion/core/admin";
import type { LookAnswers, looks, ScheduleView } from "./api.ts";
import { attentionTo } from "./attention.ts";
import type { Viewer } from "./authorize.ts";
import { doctorAnswer } from "./doctor-answer.ts";
import { filterIn, parametersOf, whole } from "./given.ts";
import { errorView, jobAnswer, jobValues, jobView } from "./job-view.ts";
import { ProblemError } from "./problem.ts";
import { throughputAnswer } from "./throughput-answer.ts";
import { optionalView, valueView } from "./value-view.ts";
import { version } from "./version.ts";

/** What a route is given. */
interface Look {
  readonly admin: Admin;
  readonly url: URL;
  /** What stands for `:id`. */
  readonly id: string;
  readonly title: string;
  /** What this viewer may do. */
  readonly viewer: { readonly name: string | null; readonly readOnly: boolean; readonly values: boolean };
}

/** Dates become ISO text by themselves. */
type Stored<T> = T extends string
  ? string extends T
    ? T | Date
    : T
  : T extends readonly (infer Each)[]
    ? readonly Stored<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Stored<T[Key]> }
      : T;

type Looks = { readonly [Path in keyof typeof looks]: (look: Look) => Promise<Stored<LookAnswers[Path]>> };

const mostSchedules = 200;

/** Each route that looks: a statement or three of core's admin, and never payloads unless they are asked for. */
export const answers: Looks = {
  async "api/board"({ admin, title, url, viewer }) {
    parametersOf(url);
    const { name, readOnly, values } = viewer;
    return { title, schema: admin.schema, version, readOnly, values, viewer: name };
  },
  async "api/overview"({ admin, url }) {
    const throughput = await throughputAnswer(admin, url, false);
    const [queues, workers] = [await admin.queues(), await admin.workers()];
    return {
      attention: attentionTo(queues, workers),
      queues,
      workers: workers.map(({ jobs, ...worker }) => worker),
      throughput,
    };
  },
  async "api/queues"({ admin, url }) {
    parametersOf(url);
    return { queues: await admin.queues() };
  },
  "api/throughput": ({ admin, url }) => throughputAnswer(admin, url, true),
  async "api/jobs"({ admin, url }) {
    const { filter, rest } = filterIn(url, "before", "limit");
    const limit = whole(rest, "limit", { least: 1, most: 200, otherwise: 50 });
    const { jobs, ...found } = await admin.lookForJobs(filter, { limit, before: rest.before });
    return { jobs: jobs.map(jobView), ...found };
  },
  async "api/jobs/:id"({ admin, url, id }) {
    parametersOf(url);
    return jobAnswer(found(await admin.job(id), id));
  },
  async "api/jobs/:id/values"({ admin, url, id, viewer }) {
    parametersOf(url);
    allowValues(viewer);
    return jobValues(found(await admin.job(id), id));
  },
  async "api/dead"({ admin, url }) {
    const { groups, looked, more } = await admin.deadGroups(parametersOf(url, "queue", "name"));
    return {
      groups: groups.map((group) => ({
        ...group,
        error: errorView(group.error) ?? { name: "", message: "" },
      })),
      looked,
      more,
    };
  },
  async "api/schedules"({ admin, url }) {
    const { after } = parametersOf(url, "after");
    const list = await admin.schedules.list({ after, limit: mostSchedules });
    return {
      schedules: list.map(scheduleView),
      next: list.length === mostSchedules ? list.at(-1)!.name : null,
    };
  },
  async "api/schedules/values"({ admin, url, viewer }) {
    const { name = "" } = parametersOf(url, "name");
    allowValues(viewer);
    const schedule = await scheduleNamed(admin, name);
    return { payload: valueView(schedule.job.payload), headers: optionalView(schedule.job.headers) };
  },
  async "api/workers"({ admin, url }) {
    parametersOf(url);
    return { workers: await admin.workers() };
  },
  async "api/doctor"({ admin, url }) {
    parametersOf(url);
    return doctorAnswer(admin);
  },
};

function found<T>(job: T | undefined, id: string): T {
  if (job === undefined)
    throw new ProblemError(
      "NO_SUCH_JOB",
      `There is no job ${id}: it was never committed, or the time for which it was kept is over.`,
    );
  return job;
}

function allowValues({ values }: Required<Viewer> | Look["viewer"]): void {
  if (!values)
    throw new ProblemError("VALUES_FORBIDDEN", "This board shows you no payloads, headers and results.");
}

/** The first that follows the greatest name before it. */
async function scheduleNamed(admin: Admin, name: string): Promise<ScheduleRecord> {
  for (let after = ""; ; ) {
    const page = await admin.schedules.list({ after });
    const schedule = page.find((each) => each.name === name);
    if (schedule) return schedule;
    if (page.length === 0) throw noSchedule(name);
    after = page.at(-1)!.name;
  }
}

export function noSchedule(name: string): ProblemError {
  return new ProblemError(
    "NO_SUCH_SCHEDULE",
    `There is no schedule ${JSON.stringify(name)}. It may have been removed.`,
  );
}

function scheduleView(schedule: ScheduleRecord): Stored<ScheduleView> {
  const { job, ...rest } = schedule;
  const { payload, headers, ...shown } = job;
  return { ...rest, job: shown };
}

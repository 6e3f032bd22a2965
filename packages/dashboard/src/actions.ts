import type { Admin, Count, Progress } from "@pillion/core/admin";
import type { ActionName, Actions, Changed, QueueSettings } from "./api.ts";
import { filterOf, flag, type Given, invalid, object, only, text, texts } from "./given.ts";
import { noSchedule } from "./looks.ts";
import { ProblemError } from "./problem.ts";

/** How many jobs one call changes at most: whoever waits for its answer waits no longer than for these. */
const mostJobs = 100_000;
/** Of so many jobs that were redriven the ids are said: a page of the list. */
const mostIds = 50;

/** One route that changes something. `signal` ends it between two statements, where whoever asked has gone. */
type Act<Name extends ActionName> = (
  admin: Admin,
  given: Given,
  signal: AbortSignal,
) => Promise<Actions[Name]["answers"]>;

export const actions: { readonly [Name in ActionName]: Act<Name> } = {
  retry(admin, given, signal) {
    only(given, "ids", "filter", "dryRun");
    const target = targetOf(given);
    return bounded(given, signal, (progress) => admin.retry(target, progress));
  },
  cancel(admin, given, signal) {
    only(given, "ids", "filter", "dryRun");
    const target = targetOf(given);
    return bounded(given, signal, (progress) => admin.cancel(target, progress));
  },
  reschedule(admin, given, signal) {
    only(given, "ids", "filter", "dryRun", "runAt", "delayMs");
    const target = targetOf(given);
    const { runAt, delayMs } = given;
    // What is no time, core says.
    const time = { delayMs, ...(runAt !== undefined && { runAt: new Date(text(given, "runAt")) }) } as never;
    return bounded(given, signal, (progress) => admin.reschedule(target, time, progress));
  },
  async redrive(admin, given, signal) {
    only(given, "group", "filter", "dryRun");
    if (given.group !== undefined) {
      if (given.filter !== undefined) throw invalid("group and filter are both there.");
      return redriveGroup(admin, given, signal);
    }
    const filter = given.filter === undefined ? {} : filterOf(object(given, "filter"));
    return bounded(given, signal, (progress) => admin.redrive(filter, progress));
  },
  purge(admin, given, signal) {
    only(given, "queue", "dryRun");
    const queue = text(given, "queue");
    return bounded(given, signal, (progress) => admin.purge(queue, progress));
  },
  async "pause-queue"(admin, given) {
    only(given, "queue");
    return admin.pause(text(given, "queue"));
  },
  async "resume-queue"(admin, given) {
    only(given, "queue");
    return admin.resume(text(given, "queue"));
  },
  async "set-queue"(admin, given) {
    only(given, "queue", "settings");
    await admin.setQueue(text(given, "queue"), object(given, "settings") as Partial<QueueSettings>);
    return { changed: true };
  },
  async "pause-schedule"(admin, given) {
    only(given, "name");
    return ofSchedule(given, await admin.schedules.pause(text(given, "name")));
  },
  async "resume-schedule"(admin, given) {
    only(given, "name");
    return ofSchedule(given, await admin.schedules.resume(text(given, "name")));
  },
  async "run-schedule"(admin, given) {
    only(given, "name");
    const job = await admin.schedules.runNow(text(given, "name"));
    return { ...ofSchedule(given, job !== undefined), id: job!.id };
  },
};

function targetOf(given: Given) {
  if ((given.ids === undefined) === (given.filter === undefined))
    throw invalid("Say which jobs: by ids, or by a filter.");
  if (given.ids === undefined) return filterOf(object(given, "filter"));
  const ids = texts(given, "ids");
  if (ids.length === 0) throw invalid("ids is empty.");
  return { ids };
}

async function bounded(
  given: Given,
  signal: AbortSignal,
  verb: (progress: Progress) => Promise<Count>,
): Promise<Changed> {
  const dryRun = flag(given, "dryRun");
  const enough = new AbortController();
  let count = 0;
  try {
    await verb({
      dryRun,
      signal: AbortSignal.any([signal, enough.signal]),
      onProgress(changed) {
        count = changed;
        if (count >= mostJobs) enough.abort();
      },
    });
    return { count, dryRun, more: false };
  } catch (error) {
    if (!enough.signal.aborted || error !== enough.signal.reason) throw error;
    return { count, dryRun, more: true };
  }
}

async function redriveGroup(admin: Admin, given: Given, signal: AbortSignal): Promise<Changed> {
  const dryRun = flag(given, "dryRun");
  const { groups, more } = await admin.deadGroups({ key: text(given, "group"), ids: 10_000 });
  const [group] = groups;
  if (group === undefined)
    throw new ProblemError(
      "NO_SUCH_GROUP",
      "None of the newest dead jobs is of this group any more. Nothing was changed.",
    );
  const { count } = await admin.retry({ ids: group.ids, state: "dead" }, { dryRun, signal });
  return { count, dryRun, more, ids: group.ids.slice(0, mostIds) };
}

function ofSchedule(given: Given, found: boolean): { changed: true } {
  if (!found) throw noSchedule(text(given, "name"));
  return { changed: true };
}

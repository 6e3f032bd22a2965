import { type JobFilter, sqlStateOf } from "@pillion/core";
import type { Admin, Count, Progress } from "@pillion/core/admin";
import type { Command } from "commander";
import { type BulkOptions, bulk } from "../bulk.ts";
import { withAdmin } from "../connect.ts";
import { type FilterOptions, filterOf, filterOptions, noSuchJob, targetOf } from "../job-filter.ts";
import { databaseCommand } from "../options.ts";
import { jobs, line } from "../output/text.ts";
import { timeOf } from "../time-option.ts";

interface Options extends BulkOptions, FilterOptions {
  readonly in?: string;
  readonly at?: string;
}

type Act = (admin: Admin, target: JobFilter, progress: Progress) => Promise<Count>;

const dryRun = ["--dry-run", "say how many jobs it would change, and change none"] as const;
const yes = ["--yes", "do not ask for a confirmation: for scripts"] as const;
const byIdsOrFilter = (name: string, description: string) =>
  filterOptions(databaseCommand(name, description).argument("[ids...]"), { states: true }).option(...dryRun);

/** Of a filter: it may mean more than was meant. */
const question = (count: number) => `${jobs(count)}, waiting or running, will be cancelled.`;

/** `pillion cancel`: by ids at once; by a filter once it is confirmed. */
export function cancelCommand(): Command {
  return byIdsOrFilter("cancel", "End jobs that wait, as cancelled, and tell those that run to stop.")
    .option(...yes)
    .action((ids: string[], options: Options) =>
      onTarget("cancel", ids, options, { done: "cancelled", question }, (admin, target, progress) =>
        admin.cancel(target, progress),
      ),
    );
}

/** `pillion retry`: brings back what has ended, or waits for another attempt. */
export function retryCommand(): Command {
  return byIdsOrFilter(
    "retry",
    "Bring back jobs that have ended, and make those ready that wait for another attempt. A filter without --state " +
      "takes those that have failed.",
  )
    .summary("Bring back jobs that have ended, or wait for another attempt.")
    .action((ids: string[], options: Options) =>
      onTarget("retry", ids, options, { done: "brought back" }, (admin, target, progress) =>
        admin.retry(target, progress),
      ),
    );
}

/** `pillion reschedule`: moves what waits. */
export function rescheduleCommand(): Command {
  return byIdsOrFilter(
    "reschedule",
    "Move jobs that wait to another time: --in 10m, or --at 2026-12-24T18:00:00Z.",
  )
    .summary("Move jobs that wait to another time.")
    .option("--in <duration>", "so long from now: 90s, 10m, 2h, 7d")
    .option("--at <time>", "an ISO time with its zone")
    .action((ids: string[], options: Options) => {
      const time = timeOf(options, "reschedule");
      return onTarget("reschedule", ids, options, { done: "moved" }, (admin, target, progress) =>
        admin.reschedule(target, time, progress),
      );
    });
}

/** `pillion redrive`: brings back dead jobs. */
export function redriveCommand(): Command {
  return filterOptions(
    databaseCommand("redrive", "Bring back dead jobs: those of the filter, or all with --all."),
    { states: false },
  )
    .option("--all", "all dead jobs of all queues")
    .option(...dryRun)
    .action(async (options: Options & { all?: true }) => {
      const filter = options.all ? (filterOf(options) ?? {}) : targetOf("redrive", [], options);
      await withAdmin(options, (admin) =>
        bulk(options, { done: "brought back" }, (progress) => admin.redrive(filter, progress)),
      );
    });
}

/** `pillion purge`: ends what waits in a queue. */
export function purgeCommand(): Command {
  return filterOptions(
    databaseCommand(
      "purge",
      "End the waiting jobs of a queue, or of a filter, as cancelled. They stay in the archive; what runs goes on.",
    ),
    { states: false },
  )
    .summary("End the waiting jobs of a queue, or of a filter.")
    .option(...dryRun)
    .option(...yes)
    .action(async (options: Options) => {
      const filter = targetOf("purge", [], options);
      const of = options.queue === undefined ? "" : ` of queue "${line(options.queue)}"`;
      const question = (count: number) =>
        `${jobs(count, "waiting")}${of} will be cancelled; in the archive they stay.`;
      await withAdmin(options, (admin) =>
        bulk(options, { done: "cancelled", question }, (progress) => admin.purge(filter, progress)),
      );
    });
}

async function onTarget(
  verb: string,
  ids: readonly string[],
  options: Options,
  words: { done: string; question?: (count: number) => string },
  act: Act,
): Promise<void> {
  const target = targetOf(verb, ids, options);
  await withAdmin(options, async (admin) => {
    if (target.ids) await refuseMissing(admin, target.ids, options.schema);
    const said = target.ids ? { done: words.done, of: target.ids.length } : words;
    await bulk(options, said, (progress) => act(admin, target, progress));
  });
}

/** One id that is wrong: nothing is changed. A role that may not look at jobs is not told. */
async function refuseMissing(admin: Admin, ids: readonly string[], schema: string): Promise<void> {
  let found: ReadonlySet<string>;
  try {
    found = new Set((await admin.jobs({ ids }, { limit: 1_000 })).map(({ id }) => id));
  } catch (error) {
    if (sqlStateOf(error) === "42501") return;
    throw error;
  }
  const missing = ids.filter((id) => !found.has(BigInt(id).toString()));
  if (missing.length > 0) throw noSuchJob(missing, schema);
}

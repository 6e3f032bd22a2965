import { setTimeout as pause } from "node:timers/promises";
import type { JobFilter } from "@pillion/core";
import type { Admin, JobSummary } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { type FilterOptions, filterOf, filterOptions } from "../job-filter.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { contentText, payloadOption, shapeOf, stateText } from "../output/job-shape.ts";
import { line, shortened, styled, time } from "../output/text.ts";

interface Options extends Shared, FilterOptions {
  readonly payload?: true;
}

/** Between two looks. */
const pauseMs = 500;
/** How many of the newest jobs are looked at each time; of those that it has shown it goes on to follow as many. */
const most = 1_000;

/** `pillion tail`: what becomes of jobs, as it happens, until Ctrl-C. */
export function tailCommand(): Command {
  return filterOptions(
    databaseCommand(
      "tail",
      "Follow jobs live: a line each time one is enqueued or changes its state. Ctrl-C ends it.",
    ),
    { states: false },
  )
    .option(...payloadOption)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  const filter = filterOf(options) ?? {};
  await withAdmin(options, async (admin) => {
    const tail = new Tail(admin, filter);
    await tail.look();
    console.error("Following; Ctrl-C ends it.");
    while (!controller.signal.aborted) {
      await pause(pauseMs, undefined, { signal: controller.signal }).catch(() => {});
      if (controller.signal.aborted) break;
      for (const job of await tail.look())
        console.log(options.json ? JSON.stringify(shapeOf(job, options.payload)) : lineOf(job, options));
    }
  });
}

/** What changed between two looks. */
class Tail {
  /** What was seen last of each job that may still change, or is among the newest. */
  #seen = new Map<string, string>();

  constructor(
    private readonly admin: Admin,
    private readonly filter: JobFilter,
  ) {}

  async look(): Promise<JobSummary[]> {
    const newest = await this.admin.jobs(this.filter, { limit: most });
    const fresh = new Set(newest.map(({ id }) => id));
    const older = [...this.#seen.keys()].filter((id) => !fresh.has(id));
    const others = older.length > 0 ? await this.admin.jobs({ ids: older }, { limit: most }) : [];
    const changed = [...others, ...newest].filter((job) => this.#seen.get(job.id) !== sign(job));
    this.#seen = new Map(
      [...newest, ...others.filter(({ finishedAt }) => finishedAt === null)]
        .slice(0, 2 * most)
        .map((job) => [job.id, sign(job)]),
    );
    return changed.sort((a, b) => +momentOf(a) - +momentOf(b) || Number(BigInt(a.id) - BigInt(b.id)));
  }
}

const sign = ({ state, attempt, runAt, cancelledAt }: JobSummary) =>
  `${state} ${attempt} ${+runAt} ${cancelledAt === null}`;

/** When it came into the state that it is in, as far as is known. */
const momentOf = ({ finishedAt, createdAt }: JobSummary) => finishedAt ?? createdAt;

function lineOf(job: JobSummary, { payload }: Options): string {
  const { id, name, queue, state, attempt, runAt, error } = job;
  return [
    styled("dim", new Date().toISOString().slice(11, 23)),
    stateText(state).padEnd(stateText(state).length + 9 - state.length),
    `${id} ${line(name)}`,
    styled("dim", line(queue)),
    attempt > 0 ? `attempt ${attempt}` : "",
    state === "scheduled" ? `runs at ${time(runAt)}` : "",
    error ? styled("red", shortened(line(`${error.name}: ${error.message}`), 100)) : "",
    payload ? contentText(job.payload) : "",
  ]
    .filter(Boolean)
    .join("  ");
}

import { InvalidRequestError } from "@pillion/core";
import type { JobSummary } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { type FilterOptions, filterOf, filterOptions } from "../job-filter.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { contentText, payloadOption, shapeOf, stateText } from "../output/job-shape.ts";
import { tableOf } from "../output/table.ts";
import { line, shortened, time } from "../output/text.ts";

interface Options extends Shared, FilterOptions {
  readonly limit: string;
  readonly before?: string;
  readonly payload?: true;
}

/** `pillion jobs`: a list, page by page. */
export function jobsCommand(): Command {
  return filterOptions(databaseCommand("jobs", "List jobs in every state, the newest first."), {
    states: true,
  })
    .option("--limit <number>", "how many, up to 1,000", "20")
    .option("--before <id>", "those before this one: the next page")
    .option(...payloadOption)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { schema, before, payload } = options;
  const limit = Number(options.limit);
  if (!Number.isInteger(limit)) throw new InvalidRequestError(`--limit ${options.limit} is no whole number.`);
  const jobs = await withAdmin(options, (admin) => admin.jobs(filterOf(options) ?? {}, { limit, before }));
  const next = jobs.length === limit ? jobs.at(-1)!.id : null;
  if (options.json) {
    console.log(JSON.stringify({ schema, jobs: jobs.map((job) => shapeOf(job, payload)), next }));
    return;
  }
  if (jobs.length === 0) return console.log("No such jobs.");
  console.log(
    tableOf(jobs, [
      { title: "ID", cell: ({ id }) => id, right: true },
      { title: "STATE", cell: ({ state }) => stateText(state) },
      { title: "NAME", cell: ({ name }) => line(name) },
      { title: "QUEUE", cell: ({ queue }) => line(queue) },
      { title: "ATTEMPT", cell: attemptOf, right: true },
      { title: "CREATED", cell: ({ createdAt }) => time(createdAt) },
      { title: "", cell: noteOn },
      ...(payload ? [{ title: "PAYLOAD", cell: (job: JobSummary) => contentText(job.payload) }] : []),
    ]),
  );
  if (next !== null) console.log(`\nOlder ones: the same command with --before ${next}`);
}

const attemptOf = ({ attempt, maxAttempts }: JobSummary) => `${attempt}/${maxAttempts ?? "-"}`;

/** What one would ask of a job in this state. */
function noteOn({ state, runAt, finishedAt, error, uniqueKey }: JobSummary): string {
  if (error) return shortened(line(`${error.name}: ${error.message}`), 60);
  if (state === "scheduled") return `runs at ${time(runAt)}`;
  if (finishedAt) return `ended ${time(finishedAt)}`;
  return uniqueKey === null ? "" : shortened(line(`key ${uniqueKey}`), 60);
}

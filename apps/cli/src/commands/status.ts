import type { QueueRecord } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { tableOf } from "../output/table.ts";
import { duration, line, number, styled, time } from "../output/text.ts";

/** `pillion status`: the queues at a glance. */
export function statusCommand(): Command {
  return databaseCommand("status", "Show every queue: what waits, runs, is scheduled and is dead.").action(
    run,
  );
}

async function run(options: Shared): Promise<void> {
  const queues = await withAdmin(options, (admin) => admin.queues());
  if (options.json) return console.log(JSON.stringify({ schema: options.schema, queues }));
  if (queues.length === 0)
    return console.log(`There are no queues in the schema ${options.schema}: no jobs, and no workers.`);
  console.log(
    tableOf(queues, [
      { title: "QUEUE", cell: ({ name }) => line(name) },
      { title: "READY", cell: ({ ready }) => counted(ready), right: true },
      { title: "RUNNING", cell: ({ running }) => counted(running), right: true },
      { title: "SCHEDULED", cell: ({ scheduled }) => counted(scheduled), right: true },
      { title: "DEAD", cell: ({ dead }) => (dead ? styled("red", counted(dead)) : "0"), right: true },
      { title: "OLDEST", cell: ({ oldestReadyMs: ms }) => (ms === null ? "-" : duration(ms)), right: true },
      { title: "", cell: noteOn },
    ]),
  );
}

/** Where the counts stop. */
const most = 10_000;

const counted = (jobs: number) => (jobs >= most ? `${number(most)}+` : number(jobs));

function noteOn({ pausedAt }: QueueRecord): string {
  return pausedAt === null ? "" : styled("yellow", `paused since ${time(pausedAt)}`);
}

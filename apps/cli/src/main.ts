#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import {
  cancelCommand,
  purgeCommand,
  redriveCommand,
  rescheduleCommand,
  retryCommand,
} from "./commands/change-jobs.ts";
import { dashboardCommand } from "./commands/dashboard.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { emitCommand } from "./commands/emit.ts";
import { enqueueCommand } from "./commands/enqueue.ts";
import { jobCommand } from "./commands/job.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { pauseCommand, resumeCommand } from "./commands/pause.ts";
import { schedulesCommand } from "./commands/schedules.ts";
import { statusCommand } from "./commands/status.ts";
import { tailCommand } from "./commands/tail.ts";
import { exitCodes, report } from "./failure.ts";

const { version, description } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { version: string; description: string };

const program = new Command("pillion")
  .description(description)
  .version(version)
  // What stands behind a command is that command's.
  .enablePositionalOptions();
const groups = {
  "Look:": [
    statusCommand(),
    jobsCommand(),
    jobCommand(),
    schedulesCommand(),
    tailCommand(),
    doctorCommand(),
    dashboardCommand(),
  ],
  "Act on jobs and queues:": [
    retryCommand(),
    cancelCommand(),
    rescheduleCommand(),
    redriveCommand(),
    purgeCommand(),
    pauseCommand(),
    resumeCommand(),
    enqueueCommand(),
    emitCommand(),
  ],
  "The queue's tables:": [migrateCommand()],
};
for (const [group, commands] of Object.entries(groups))
  for (const command of commands) program.addCommand(command.helpGroup(group));
program.addHelpText("after", () => `\n${exitCodes}`);

for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])])
  command.exitOverride().configureOutput({ outputError: () => {} });

// `pillion jobs | head`: whoever reads has had enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, { json: process.argv.includes("--json") });
}

import type { Admin, ScheduleRecord } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { Failure } from "../failure.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { tableOf } from "../output/table.ts";
import { duration, line, styled, time } from "../output/text.ts";

/** `pillion schedules`, and what can be done about one of them. */
export function schedulesCommand(): Command {
  return (
    databaseCommand(
      "schedules",
      "List all schedules with their next slots; pause, resume, run or remove one.",
    )
      // Else it would take the options of its subcommands for its own.
      .enablePositionalOptions()
      .action(list)
      .addCommand(acting("pause", "Fire no slot of a schedule until it is resumed.", "is paused"))
      .addCommand(acting("resume", "Go on with the first slot after now.", "goes on"))
      .addCommand(acting("remove", "End a schedule. What it has enqueued stays.", "is removed"))
      .addCommand(
        databaseCommand("run", "Enqueue a schedule's job now, beside its slots.")
          .argument("<name>")
          .action(runNow),
      )
  );
}

function acting(verb: "pause" | "resume" | "remove", description: string, done: string): Command {
  return databaseCommand(verb, description)
    .argument("<name>")
    .action(async (name: string, options: Shared) => {
      const found = await withAdmin(options, (admin) => admin.schedules[verb](name));
      if (!found) throw noSuchSchedule(name, options);
      console.log(
        options.json
          ? JSON.stringify({ name, done: verb })
          : `${styled("green", "done:")} schedule "${line(name)}" ${done}.`,
      );
    });
}

async function runNow(name: string, options: Shared): Promise<void> {
  const made = await withAdmin(options, (admin) => admin.schedules.runNow(name));
  if (!made) throw noSuchSchedule(name, options);
  console.log(options.json ? JSON.stringify(made) : `${styled("green", "done:")} job ${made.id} is ready.`);
}

async function list(options: Shared): Promise<void> {
  const schedules = await withAdmin(options, all);
  if (options.json) {
    const shapes = schedules.map(({ job, ...rest }) => ({ ...rest, job: withoutPayload(job) }));
    return console.log(JSON.stringify({ schema: options.schema, schedules: shapes }));
  }
  if (schedules.length === 0) return console.log(`There are no schedules in the schema ${options.schema}.`);
  console.log(
    tableOf(schedules, [
      { title: "SCHEDULE", cell: ({ name }) => line(name) },
      { title: "SLOTS", cell: slotsOf },
      { title: "JOB", cell: ({ job }) => line(job.name) },
      { title: "QUEUE", cell: ({ job }) => line(job.queue) },
      { title: "LAST", cell: ({ lastSlot }) => time(lastSlot) },
      { title: "NEXT", cell: ({ nextSlot }) => time(nextSlot) },
      { title: "", cell: noteOn },
    ]),
  );
}

async function all(admin: Admin): Promise<ScheduleRecord[]> {
  const schedules: ScheduleRecord[] = [];
  for (;;) {
    const page = await admin.schedules.list({ after: schedules.at(-1)?.name, limit: 1_000 });
    schedules.push(...page);
    if (page.length < 1_000) return schedules;
  }
}

function withoutPayload({ payload: _, ...rest }: ScheduleRecord["job"]) {
  return rest;
}

function slotsOf({ cron, timeZone, everyMs }: ScheduleRecord): string {
  return everyMs === null ? line(`${cron} ${timeZone}`) : `every ${duration(everyMs)}`;
}

function noteOn({ pausedAt, problem }: ScheduleRecord): string {
  if (problem !== null) return styled("red", line(`not fired: ${problem}`));
  return pausedAt === null ? "" : styled("yellow", `paused since ${time(pausedAt)}`);
}

function noSuchSchedule(name: string, { schema }: Shared): Failure {
  return new Failure(
    "SCHEDULE_NOT_FOUND",
    6,
    `There is no schedule "${name}" in the schema ${schema}. Nothing was changed.`,
  );
}

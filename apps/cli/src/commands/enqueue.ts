import { defineJob, type EnqueueOptions, InvalidRequestError, type } from "@pillion/core";
import { type Command, Option } from "commander";
import { withAdmin } from "../connect.ts";
import { gathered, headersOf } from "../job-filter.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { line, styled } from "../output/text.ts";
import { jsonArgument } from "../payload-argument.ts";
import { dateOf, durationOf } from "../time-option.ts";

interface Options extends Shared {
  readonly queue?: string;
  readonly jobVersion?: string;
  readonly priority?: string;
  readonly maxAttempts?: string;
  readonly in?: string;
  readonly at?: string;
  readonly startBefore?: string;
  readonly key?: string;
  readonly until?: "started" | "finished";
  readonly partition?: string;
  readonly header?: readonly string[];
}

/** `pillion enqueue <name> [payload]`: one job, committed by itself. */
export function enqueueCommand(): Command {
  return databaseCommand(
    "enqueue",
    "Enqueue one job. The worker validates its payload; nothing here knows the job's type.",
  )
    .argument("<name>", "the name of the job's type")
    .argument("[payload]", "JSON; - reads it from stdin", "null")
    .option("--queue <queue>", "the queue that the job's type names (default: default)")
    .option("--job-version <number>", "the version of the job's type (default: 1)")
    .option("--priority <number>", "-4 to 4; higher runs first")
    .option("--max-attempts <number>", "how often it is started before it is dead (default: 20)")
    .option("--in <duration>", "so long from now: 90s, 10m, 2h, 7d")
    .option("--at <time>", "the earliest start, an ISO time with its zone")
    .option("--start-before <time>", "not started by then, it is cancelled instead")
    .option("--key <key>", "a unique key: no second job while one with it waits")
    .addOption(new Option("--until <when>", "until when the key is taken").choices(["started", "finished"]))
    .option("--partition <key>", "the partition key: its tenant or account")
    .option(
      "--header <key=value>",
      "a header; key:=value for a value that is JSON; may be repeated",
      gathered,
    )
    .action(run);
}

async function run(name: string, payload: string, options: Options): Promise<void> {
  if (options.in !== undefined && options.at !== undefined)
    throw new InvalidRequestError("enqueue: pass --in or --at, and not both.");
  const { queue, jobVersion, partition, key, header, at, startBefore } = options;
  const jobType = defineJob({ name, payload: type<unknown>(), version: whole(jobVersion, "--job-version") });
  const job = jobType(await jsonArgument(payload), {
    queue,
    priority: whole(options.priority, "--priority"),
    maxAttempts: whole(options.maxAttempts, "--max-attempts"),
    delayMs: options.in === undefined ? undefined : durationOf(options.in, "--in"),
    runAt: at === undefined ? undefined : dateOf(at, "--at"),
    startBefore: startBefore === undefined ? undefined : dateOf(startBefore, "--start-before"),
    uniqueKey: key,
    uniqueUntil: options.until,
    partitionKey: partition,
    headers: header === undefined ? undefined : (headersOf(header) as NonNullable<EnqueueOptions["headers"]>),
  });
  const answer = await withAdmin(options, (admin) => admin.enqueue(job));
  if (options.json) return console.log(JSON.stringify(answer));
  const { id, created, state } = answer;
  console.log(
    created
      ? `${styled("green", "done:")} job ${id} "${line(name)}" is ${state}.`
      : `${styled("yellow", "none made:")} job ${id} "${line(name)}" has the key "${line(key!)}" already, and is ${state}.`,
  );
}

function whole(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) throw new InvalidRequestError(`${option} ${text} is no whole number.`);
  return Number(text);
}

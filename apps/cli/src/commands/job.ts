import { isEncrypted } from "@pillion/core";
import type { AttemptRecord, ErrorRecord, JobRecord } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { noSuchJob, refuseNoId } from "../job-filter.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { contentText, payloadOption, shapeOf, stateText } from "../output/job-shape.ts";
import { childrenOf, stepsOf } from "../output/steps.ts";
import { listOf, tableOf } from "../output/table.ts";
import { duration, line, lines, number, styled, time } from "../output/text.ts";

interface Options extends Shared {
  readonly payload?: true;
}

/** `pillion job <id>`: what happened to it. */
export function jobCommand(): Command {
  return databaseCommand(
    "job",
    "Show what happened to a job: its attempts, steps and children, and errors with the stack.",
  )
    .argument("<id>")
    .option(...payloadOption)
    .action(run);
}

async function run(id: string, options: Options): Promise<void> {
  refuseNoId(id);
  const job = await withAdmin(options, (admin) => admin.job(id));
  if (!job) throw noSuchJob([id], options.schema);
  if (options.json) console.log(JSON.stringify(shapeOf(job, options.payload)));
  else
    console.log(
      [
        headOf(job, options),
        ...attemptsOf(job),
        ...stepsOf(job, options.payload),
        ...childrenOf(job),
        ...errorsOf(job),
      ].join("\n\n"),
    );
}

function headOf(job: JobRecord, { payload }: Options): string {
  const content = (value: unknown) => {
    if (payload || isEncrypted(value)) return contentText(value);
    const text = JSON.stringify(value);
    return `${number(Buffer.byteLength(text))} bytes as JSON; --payload shows it`;
  };
  const waiting = job.state === "scheduled" && job.steps.find(({ state }) => state === "waiting");
  return listOf([
    ["job", `${job.id} ${line(job.name)}${job.version === 1 ? "" : ` (version ${job.version})`}`],
    ["state", stateText(job.state)],
    ["queue", line(job.queue)],
    ["priority", job.priority === 0 ? undefined : String(job.priority)],
    ["attempt", `${job.attempt} of at most ${job.maxAttempts ?? "any number"}`],
    ["created", time(job.createdAt)],
    // While it waits in a step, that is when it looks again by itself.
    waiting
      ? ["waits", `in step ${waiting.position}`]
      : [job.state === "scheduled" ? "runs at" : "run at", time(job.runAt)],
    ["start before", job.startBefore ? time(job.startBefore) : undefined],
    ["to be cancelled", job.cancelledAt ? `since ${time(job.cancelledAt)}` : undefined],
    ["ended", job.finishedAt ? time(job.finishedAt) : undefined],
    ["unique key", job.uniqueKey === null ? undefined : line(job.uniqueKey)],
    ["partition key", job.partitionKey === null ? undefined : line(job.partitionKey)],
    ["parent", job.parent === null ? undefined : `job ${job.parent}`],
    ["headers", job.headers === null ? undefined : line(JSON.stringify(job.headers))],
    ["payload", content(job.payload)],
    ["result", job.result === null ? undefined : content(job.result)],
  ]);
}

function attemptsOf({ attempts }: JobRecord): string[] {
  if (attempts.length === 0) return ["No attempt so far."];
  return [
    tableOf(attempts, [
      { title: "ATTEMPT", cell: ({ attempt }) => String(attempt), right: true },
      { title: "OUTCOME", cell: outcomeOf },
      { title: "STARTED", cell: ({ startedAt }) => time(startedAt) },
      {
        title: "TOOK",
        cell: ({ startedAt, finishedAt }) => (finishedAt ? duration(+finishedAt - +startedAt) : "-"),
        right: true,
      },
      { title: "WORKER", cell: ({ worker }) => line(worker) },
    ]),
  ];
}

function outcomeOf({ outcome }: AttemptRecord): string {
  const colour = outcome === "completed" ? "green" : outcome === "running" ? "yellow" : "red";
  return styled(["released", "snoozed", "cancelled"].includes(outcome) ? "gray" : colour, outcome);
}

/** Each error once, under the attempts that ended with it; the job's own, where no attempt has it. */
function errorsOf({ attempts, error }: JobRecord): string[] {
  const failed = attempts.flatMap((attempt) =>
    attempt.error ? [{ title: `attempt ${attempt.attempt}`, error: attempt.error }] : [],
  );
  if (error && !failed.some((one) => JSON.stringify(one.error) === JSON.stringify(error)))
    failed.push({ title: "job", error });
  const byText = new Map<string, string[]>();
  for (const one of failed) {
    const text = errorText(one.error);
    byText.set(text, [...(byText.get(text) ?? []), one.title]);
  }
  return [...byText].map(([text, titles]) => `${styled("bold", `error of ${titles.join(", ")}`)}\n${text}`);
}

function errorText({ name, message, stack, code, encrypted }: ErrorRecord): string {
  // Node's stacks begin with the name and the message.
  const text = stack?.includes(message)
    ? stack
    : [`${name}: ${message}`, ...(stack ? [stack] : [])].join("\n");
  const key = encrypted && `encrypted with key ${line(encrypted["pillion.key"])}`;
  const said = [text, code === undefined ? undefined : `code ${code}`, key].filter(Boolean).join("\n");
  const indented = lines(said).replaceAll("\n", "\n  ");
  return `  ${indented}`;
}

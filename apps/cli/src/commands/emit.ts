import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { line, styled } from "../output/text.ts";
import { jsonArgument } from "../payload-argument.ts";
import { durationOf } from "../time-option.ts";

interface Options extends Shared {
  readonly keep?: string;
}

/** `pillion emit <event> <key> [payload]`: what waits for it goes on. */
export function emitCommand(): Command {
  return databaseCommand(
    "emit",
    "Say that an event has happened: the jobs that wait for it go on. The first emit wins.",
  )
    .argument("<event>", "the name of the event's type")
    .argument("<key>", "what its type is called with")
    .argument("[payload]", "JSON; - reads it from stdin", "null")
    .option("--keep <duration>", "how long it is kept for those who begin to wait later (default: 90d)")
    .action(run);
}

async function run(event: string, key: string, payload: string, options: Options): Promise<void> {
  const keepMs = options.keep === undefined ? undefined : durationOf(options.keep, "--keep");
  const value = await jsonArgument(payload);
  const answer = await withAdmin(options, (admin) => admin.emit(event, key, value, { keepMs }));
  if (options.json) return console.log(JSON.stringify(answer));
  const name = `event "${line(event)}" of ${line(key)}`;
  console.log(
    answer.emitted
      ? `${styled("green", "done:")} ${name} has happened.`
      : `${styled("yellow", "nothing done:")} ${name} had happened before; its payload stays.`,
  );
}

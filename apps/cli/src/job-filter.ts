import { InvalidRequestError, type JobFilter } from "@pillion/core";
import type { Command } from "commander";
import { Failure } from "./failure.ts";

/** How a command is told which jobs. */
export interface FilterOptions {
  readonly queue?: string;
  readonly name?: string;
  readonly state?: readonly string[];
  readonly key?: string;
  readonly partition?: string;
  readonly header?: readonly string[];
}

/** What an option that may be repeated was given, all of it. */
export const gathered = (value: string, before: readonly string[] = []) => [...before, value];

export function filterOptions(command: Command, { states }: { states: boolean }): Command {
  command
    .option("--queue <queue>", "jobs of this queue")
    .option("--name <name>", "jobs of this name")
    .option("--key <key>", "jobs with this unique key")
    .option("--partition <key>", "jobs with this partition key")
    .option(
      "--header <key=value>",
      "jobs with this header; key:=value for a value that is JSON; may be repeated",
      gathered,
    );
  return states
    ? command.option(
        "--state <state,...>",
        "scheduled, ready, running, completed, dead or cancelled",
        (value: string, before: readonly string[] = []) => [...before, ...value.split(",")],
      )
    : command;
}

/** The filter, or undefined where nothing was asked for. */
export function filterOf(options: FilterOptions): JobFilter | undefined {
  const { queue, name, state, key, partition, header } = options;
  const filter = {
    ...(queue !== undefined && { queue }),
    ...(name !== undefined && { name }),
    ...(state !== undefined && { state: state as never }),
    ...(key !== undefined && { uniqueKey: key }),
    ...(partition !== undefined && { partitionKey: partition }),
    ...(header !== undefined && { headers: headersOf(header) }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** @throws InvalidRequestError */
export function headersOf(given: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    given.map((text) => {
      const [, key, colon, value] = /^([^=]+?)(:?)=(.*)$/s.exec(text) ?? [];
      if (key === undefined || value === undefined)
        throw new InvalidRequestError(`--header ${JSON.stringify(text)} is not of the form key=value.`);
      return [key, colon ? json(value, `--header ${key}`) : value];
    }),
  );
}

/** @throws InvalidRequestError */
export function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidRequestError(`${what} is not JSON. A text of JSON stands in double quotes.`);
  }
}

/** Ids or a filter, one of which is needed. */
export function targetOf(verb: string, ids: readonly string[], options: FilterOptions): JobFilter {
  const filter = filterOf(options);
  if (ids.length > 0 && filter) throw new InvalidRequestError(`${verb}: pass ids or a filter, and not both.`);
  if (ids.length > 1_000) throw new InvalidRequestError(`${verb}: pass at most 1,000 ids.`);
  for (const id of ids) refuseNoId(id);
  if (ids.length > 0) return { ids: [...new Set(ids)] };
  if (!filter)
    throw new InvalidRequestError(
      `${verb}: pass the ids of jobs, or a filter: \`pillion ${verb} --help\` lists them.`,
    );
  return filter;
}

/** @throws InvalidRequestError */
export function refuseNoId(id: string): void {
  if (!/^\d{1,18}$/.test(id))
    throw new InvalidRequestError(`${JSON.stringify(id)} is no job's id, which is a whole number.`);
}

export function noSuchJob(ids: readonly string[], schema: string): Failure {
  return new Failure(
    "JOB_NOT_FOUND",
    6,
    `There is no job ${ids.join(", ")} in the schema ${schema}: it was never committed, or it ended so long ago that it is no longer kept. Nothing was changed.`,
  );
}

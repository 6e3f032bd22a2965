import type { JobFilter } from "@pillion/core";
import { ProblemError } from "./problem.ts";

/** What a request brings, read by kind: each names the field that is wrong. */
export type Given = Readonly<Record<string, unknown>>;

export function invalid(detail: string): ProblemError {
  return new ProblemError("INVALID_REQUEST", `${detail} Nothing was changed.`);
}

/** @throws ProblemError where there is a field of another name */
export function only(given: Given, ...known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw invalid(`There is no ${JSON.stringify(unknown)} here. Known: ${known.join(", ") || "nothing"}.`);
}

export function text(given: Given, field: string): string {
  const value = given[field];
  if (typeof value !== "string") throw invalid(`${field} is not a text.`);
  return value;
}

export function flag(given: Given, field: string): boolean {
  const value = given[field] ?? false;
  if (typeof value !== "boolean") throw invalid(`${field} is neither true nor false.`);
  return value;
}

export function object(given: Given, field: string): Given {
  const value = given[field];
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`${field} is not an object.`);
  return value as Given;
}

export function texts(given: Given, field: string): readonly string[] {
  const value = given[field];
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string"))
    throw invalid(`${field} is not an array of texts.`);
  return value;
}

/** The parameters of an address, each at most once. */
export function parametersOf(url: URL, ...known: readonly string[]): Readonly<Record<string, string>> {
  const given: Record<string, string> = Object.create(null);
  for (const [name, value] of url.searchParams) {
    if (Object.hasOwn(given, name)) throw invalid(`${JSON.stringify(name)} is there twice.`);
    given[name] = value;
  }
  only(given, ...known);
  return given;
}

export function whole(
  given: Readonly<Record<string, string>>,
  field: string,
  { least, most, otherwise }: { least: number; most: number; otherwise: number },
): number {
  const value = given[field];
  if (value === undefined) return otherwise;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most))
    throw invalid(`${field} is not a whole number from ${least} to ${most}.`);
  return number;
}

const filterFields = ["state", "queue", "name", "uniqueKey", "partitionKey", "headers", "ids"];

/** A filter in a body. What its values must be, core says. */
export function filterOf(given: Given): JobFilter {
  only(given, ...filterFields);
  return given as JobFilter;
}

/** A filter in an address, and what else is there. */
export function filterIn(
  url: URL,
  ...others: readonly string[]
): { filter: JobFilter; rest: Readonly<Record<string, string>> } {
  const state = url.searchParams.getAll("state");
  const single = new URL(url);
  single.searchParams.delete("state");
  const { queue, name, uniqueKey, partitionKey, headers, ids, ...rest } = parametersOf(
    single,
    ...filterFields,
    ...others,
  );
  return {
    filter: {
      queue,
      name,
      uniqueKey,
      partitionKey,
      ...(state.length > 0 && { state: state as JobFilter["state"] & string[] }),
      ...(headers !== undefined && { headers: jsonOf(headers) }),
      ...(ids !== undefined && { ids: ids.split(",") }),
    },
    rest,
  };
}

function jsonOf(headers: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(headers);
  } catch {
    throw invalid('headers is not JSON: write headers={"tenant":"7"}.');
  }
}

import { InvalidRequestError } from "../errors.ts";
import { show } from "../show.ts";

/** Which part of a list. */
export interface Paging {
  /** 1 to 1,000; default 50. */
  readonly limit?: number | undefined;
  /** Only jobs with a lower id: the last one of the page before. */
  readonly before?: string | undefined;
}

/** @throws InvalidRequestError naming the verb */
export function pagingOf(verb: string, { limit = 50, before }: Paging): { limit: number; before?: string } {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1_000))
    throw new InvalidRequestError(`${verb}: limit is ${show(limit)}, not a whole number from 1 to 1000.`);
  if (before === undefined) return { limit };
  if (!/^\d{1,18}$/.test(before))
    throw new InvalidRequestError(`${verb}: before is ${show(before)}, not the id of a job.`);
  return { limit, before };
}

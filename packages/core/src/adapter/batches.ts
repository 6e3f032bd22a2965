import { limits } from "../defaults.ts";
import { InvalidJobError } from "../errors.ts";
import type { JobRow } from "../job/job.ts";
import { isJob, toRow } from "../job/row.ts";
import type { Job } from "../job/type.ts";
import { utf8Bytes } from "../json.ts";
import { show } from "../show.ts";

/**
 * Checked jobs in chunks that one statement can take. Those of an array are all checked before the first chunk.
 * @throws InvalidJobError
 */
export async function* batches(
  jobs: Iterable<Job> | AsyncIterable<Job>,
  maxPayloadBytes: number,
): AsyncGenerator<JobRow[]> {
  // A text is iterable too.
  const source = typeof jobs === "object" && jobs !== null ? jobs : {};
  let chunk = new Chunk();
  if (Symbol.iterator in source) {
    const rows = checked(jobs as Iterable<Job>, maxPayloadBytes);
    // Without an await for each job, which would cost as much as checking it.
    for (const item of Array.isArray(jobs) ? await all(rows) : rows) {
      const row = item instanceof Promise ? await item : item;
      if (chunk.takes(row)) continue;
      yield chunk.rows;
      chunk = new Chunk(row);
    }
  } else if (Symbol.asyncIterator in source) {
    let index = 0;
    for await (const job of jobs) {
      const row = await toRow(job, maxPayloadBytes, { index: index++ });
      if (chunk.takes(row)) continue;
      yield chunk.rows;
      chunk = new Chunk(row);
    }
  } else
    throw new InvalidJobError(
      `enqueueMany takes an array or an (async) iterable of jobs, and got ${isJob(jobs) ? "one job" : show(jobs)}.`,
    );
  if (chunk.rows.length > 0) yield chunk.rows;
}

function* checked(jobs: Iterable<Job>, maxPayloadBytes: number): Generator<JobRow | Promise<JobRow>> {
  let index = 0;
  for (const job of jobs) yield toRow(job, maxPayloadBytes, { index: index++ });
}

async function all(items: Iterable<JobRow | Promise<JobRow>>): Promise<JobRow[]> {
  const rows: JobRow[] = [];
  for (const item of items) rows.push(item instanceof Promise ? await item : item);
  return rows;
}

class Chunk {
  readonly rows: JobRow[] = [];
  #bytes = 0;

  constructor(first?: JobRow) {
    if (first) this.takes(first);
  }

  /** Adds the row, if it still fits. The first always does. */
  takes(row: JobRow): boolean {
    const bytes = utf8Bytes(row.payload) + utf8Bytes(row.headers ?? "") + 200;
    if (
      this.rows.length === limits.batchJobs ||
      (this.rows.length > 0 && this.#bytes + bytes > limits.batchBytes)
    )
      return false;
    this.rows.push(row);
    this.#bytes += bytes;
    return true;
  }
}

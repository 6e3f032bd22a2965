import { limits } from "../defaults.ts";
import { InvalidJobError } from "../errors.ts";
import type { JobRow } from "../job/job.ts";
import { isJob, toRow } from "../job/row.ts";
import type { Job } from "../job/type.ts";
import { show } from "../show.ts";

/**
 * Checked jobs in chunks that one statement can take. Those of an array are all checked before the first chunk.
 * @throws InvalidJobError
 */
export async function* batches(
  jobs: Iterable<Job> | AsyncIterable<Job>,
  maxPayloadBytes: number,
): AsyncGenerator<JobRow[]> {
  const kind = typeof jobs === "object" && jobs !== null ? jobs : {};
  let chunk = new Chunk();
  let index = 0;
  if (Array.isArray(jobs)) {
    const rows: JobRow[] = [];
    for (const job of jobs) {
      const row = toRow(job, maxPayloadBytes, index++);
      rows.push(row instanceof Promise ? await row : row);
    }
    for (const row of rows) {
      if (chunk.takes(row)) continue;
      yield chunk.rows;
      chunk = new Chunk(row);
    }
  } else if (Symbol.iterator in kind) {
    // Without an await for each job, which would cost as much as checking it.
    for (const job of jobs as Iterable<Job>) {
      const row = toRow(job, maxPayloadBytes, index++);
      const checked = row instanceof Promise ? await row : row;
      if (chunk.takes(checked)) continue;
      yield chunk.rows;
      chunk = new Chunk(checked);
    }
  } else if (Symbol.asyncIterator in kind) {
    for await (const job of jobs) {
      const row = await toRow(job, maxPayloadBytes, index++);
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

class Chunk {
  readonly rows: JobRow[] = [];
  #length = 0;

  constructor(first?: JobRow) {
    if (first) this.takes(first);
  }

  /** Adds the row, if it still fits. The first always does. */
  takes(row: JobRow): boolean {
    const length = row.payload.length + (row.headers?.length ?? 0) + 200;
    if (
      this.rows.length === limits.batchJobs ||
      (this.rows.length > 0 && this.#length + length > limits.batchBytes)
    )
      return false;
    this.rows.push(row);
    this.#length += length;
    return true;
  }
}

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
  if (Array.isArray(jobs)) {
    const rows: JobRow[] = [];
    for (const [index, job] of jobs.entries()) {
      const row = toRow(job, maxPayloadBytes, index);
      rows.push(row instanceof Promise ? await row : row);
    }
    for (let first = 0; first < rows.length; ) {
      const chunk = new Chunk();
      while (first < rows.length && chunk.takes(rows[first]!)) first++;
      yield chunk.rows;
    }
    return;
  }
  if (typeof jobs !== "object" || jobs === null || !(Symbol.iterator in jobs || Symbol.asyncIterator in jobs))
    throw new InvalidJobError(
      `enqueueMany takes an array or an (async) iterable of jobs, and got ${isJob(jobs) ? "one job" : show(jobs)}.`,
    );
  let chunk = new Chunk();
  let index = 0;
  for await (const job of jobs) {
    const row = toRow(job, maxPayloadBytes, index++);
    const checked = row instanceof Promise ? await row : row;
    if (chunk.takes(checked)) continue;
    yield chunk.rows;
    chunk = new Chunk();
    chunk.takes(checked);
  }
  if (chunk.rows.length > 0) yield chunk.rows;
}

class Chunk {
  readonly rows: JobRow[] = [];
  #length = 0;

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

import type { JobFilter } from "@pillion/core";
import type { Admin, JobSummary } from "@pillion/core/admin";

/** How many ids one look goes through: what matches rarely would otherwise be looked for in all jobs there are. */
const stretch = 100_000n;

interface Page {
  readonly jobs: readonly JobSummary[];
  /** The `before` that goes on; null at the end. */
  readonly next: string | null;
  /** False where the stretch was at its end before the page was full. */
  readonly complete: boolean;
}

/** A page of jobs, the newest first, at a cost that does not grow with the number of jobs. */
export async function listJobs(
  admin: Admin,
  filter: JobFilter,
  limit: number,
  before?: string,
): Promise<Page> {
  const list = (some: JobFilter, from?: string) => admin.jobs(some, { limit, before: from, values: false });
  const named = Object.values(filter).some((value) => value !== undefined);
  if (!named || filter.ids !== undefined) return pageOf(await list(filter, before), limit, undefined);
  const from = before ?? (await newest(admin));
  if (from === undefined) {
    // Nothing is there: whether the filter is right is said all the same.
    await list(filter);
    return { jobs: [], next: null, complete: true };
  }
  const floor = /^\d{1,18}$/.test(from) ? BigInt(from) - 1n - stretch : 0n;
  if (floor <= 0n) return pageOf(await list(filter, from), limit, undefined);
  return pageOf(await list({ ...filter, after: `${floor}` }, from), limit, `${floor + 1n}`);
}

/** An id above all that there are. */
async function newest(admin: Admin): Promise<string | undefined> {
  const [job] = await admin.jobs({}, { limit: 1, values: false });
  return job && `${BigInt(job.id) + 1n}`;
}

function pageOf(jobs: readonly JobSummary[], limit: number, goesOn: string | undefined): Page {
  const full = jobs.length === limit;
  return { jobs, next: full ? jobs.at(-1)!.id : (goesOn ?? null), complete: full || goesOn === undefined };
}

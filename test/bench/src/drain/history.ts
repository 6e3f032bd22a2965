import type { Pool } from "pg";

/**
 * What the speed is not bought with: of each job the archive must tell the attempt's number, its worker, its start, its
 * end and what came of it.
 *
 * @throws Error where it does not
 */
export async function checkHistory(pool: Pool, jobs: number): Promise<void> {
  const { rows } = await pool.query<{ told: number; kept: number }>(
    `select count(*)::int as kept, count(*) filter (
       where state = 'completed' and attempt = 1 and worker is not null and started_at is not null
         and finished_at >= started_at)::int as told
     from pillion.archive`,
  );
  const { told, kept } = rows[0]!;
  if (told !== jobs || kept !== jobs)
    throw new Error(
      `After a drain of ${jobs} jobs the archive has ${kept} rows, of which ${told} tell of one completed attempt.`,
    );
}

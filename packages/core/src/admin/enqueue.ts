import { defaults } from "../defaults.ts";
import type { Enqueued } from "../job/job.ts";
import { toRow } from "../job/row.ts";
import type { Job } from "../job/type.ts";
import { parseAnswer } from "../postgres/answer.ts";
import type { Link } from "../worker/link.ts";

/** Enqueues a job by itself. @throws InvalidJobError */
export async function enqueueByItself(link: Link, job: Job): Promise<Enqueued> {
  const row = await toRow(job, defaults.maxPayloadBytes);
  const { enqueue, enqueueKeyed } = link.engine;
  const alone = { guarded: false, pin: null };
  const rows =
    row.uniqueKey === null
      ? await link.run(enqueue, { row, ...alone })
      : await link.run(enqueueKeyed, { rows: [row], ...alone });
  return parseAnswer(rows)!.enqueued[0]!;
}

import type { Town } from "../town.ts";

/** What the database holds of one step, when everything is over. */
export interface StepAudit {
  readonly step: string;
  /** Each run of its code: `1 (worker 4711)`, for the attempt and the process. */
  readonly runs: readonly string[];
  /** Runs that began after its answer was stored. */
  readonly ranAfterEnd: number;
  /** What it has left in the tables of the shop, or with the others. */
  readonly effects: number;
  /** How often the others were called, where the step calls them. */
  readonly calls: number | null;
}

/** Looks into the database itself, and asks neither an ORM nor Pillion. */
export async function audit(
  { pool, place: { queue } }: Town,
  { orderId, jobId }: { orderId: number; jobId: string },
): Promise<readonly StepAudit[]> {
  const { rows } = await pool.query<StepAudit>(
    `with runs as (
       select step, array_agg(attempt || ' (worker ' || pid || ')' order by at) as runs, array_agg(at) as began
       from step_run where order_id = $1 group by step
     ), effects as (
       select 'reserve' as step, count(*) as effects from reservations where order_id = $1
       union all select 'invoice', count(*) from invoices where order_id = $1
       union all select service, count(*) from outside_effect where order_id = $1 group by service
     ), calls as (
       select service as step, count(*) as calls from outside_call where order_id = $1 group by service
     )
     select c.name as step, coalesce(r.runs, '{}') as runs,
       (select count(*) from unnest(r.began) at where at > c.ended_at)::integer as "ranAfterEnd",
       coalesce(e.effects, 0)::integer as effects, calls.calls::integer as calls
     from "${queue}".checkpoint c
     left join runs r on r.step = c.name
     left join effects e on e.step = c.name
     left join calls on calls.step = c.name
     where c.job = $2 and c.kind = 'step' and c.done
     order by c.ordinal`,
    [orderId, jobId],
  );
  return rows;
}

/** Whether the job sleeps until its event comes: nobody works on it. */
export async function waitsForEvent({ pool, place: { queue } }: Town, jobId: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select from "${queue}".wait w join "${queue}".live l on l.id = w.job where l.id = $1 and l.state = 'scheduled'`,
    [jobId],
  );
  return rows.length > 0;
}

/** How many shipments and events there are. */
export async function shipments({
  pool,
  place: { queue },
}: Town): Promise<{ shipments: number; events: number }> {
  const { rows } = await pool.query(
    `select (select count(*) from shipments)::integer as shipments, (select count(*) from "${queue}".event)::integer as events`,
  );
  return rows[0];
}

import type { Town } from "../town.ts";

/** What the database holds of one shop when everything is over. */
export interface Audit {
  readonly committed: number;
  readonly started: number;
  readonly startedTwice: number;
  readonly jobsWithoutOrder: number;
  readonly ordersWithoutInvoice: number;
  readonly invoicedTwice: number;
}

/** Looks into the database itself, and asks neither an ORM nor Pillion. */
export async function audit({ pool, place: { queue } }: Town, shop: string): Promise<Audit> {
  const { rows } = await pool.query<Audit>(
    `with own_orders as (select id from orders where shop = $1),
     own_jobs as (
       select id, (payload ->> 'orderId')::integer as order_id
       from (select id, payload from "${queue}".live union all select id, payload from "${queue}".archive) jobs
       where payload ->> 'shop' = $1
     ),
     own_invoices as (select order_id, count(*) as written from invoices where shop = $1 group by order_id),
     own_starts as (select job_id, count(*) as starts from handler_start where shop = $1 group by job_id)
     select
       (select count(*) from own_orders)::integer as "committed",
       (select coalesce(sum(starts), 0) from own_starts)::integer as "started",
       (select count(*) from own_starts where starts > 1)::integer as "startedTwice",
       (select count(*) from own_jobs where order_id not in (select id from own_orders))::integer
         as "jobsWithoutOrder",
       (select count(*) from own_orders where id not in (select order_id from own_invoices))::integer
         as "ordersWithoutInvoice",
       (select count(*) from own_invoices where written > 1)::integer as "invoicedTwice"`,
    [shop],
  );
  return rows[0]!;
}

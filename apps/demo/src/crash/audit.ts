import type { Town } from "../town.ts";
import type { Moment } from "./renewal.ts";

/** What the database holds of one job, and of what its handler wrote, when everything is over. */
export interface Cell {
  readonly shop: string;
  readonly moment: Moment;
  /** Which attempt completed it. */
  readonly attempt: number;
  readonly state: string;
  /** The transaction that completed it. */
  readonly completedBy: string;
  /** The transaction of each order that its handler wrote: there must be one. */
  readonly writtenBy: readonly string[];
}

/** The ledger: no unique constraint, so that an order that is written twice stays, and is counted. */
export const tables = `
create table orders (
  id        integer not null,
  shop      text not null,
  customer  integer not null,
  total     integer not null,
  xid       xid8 not null default pg_current_xact_id()
)`;

/** How many orders there are of each shop. */
export async function countOrders({ pool }: Town): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query("select shop, count(*)::integer as orders from orders group by shop");
  return new Map(rows.map(({ shop, orders }) => [shop, orders]));
}

/** Looks into the database itself, and asks neither an ORM nor Pillion. The archive's rows are the completions. */
export async function audit({ pool, place: { queue } }: Town): Promise<readonly Cell[]> {
  const { rows } = await pool.query<Cell>(
    `select payload #>> '{order,shop}' as shop, payload ->> 'moment' as moment, attempt, state,
       a.xmin::text as "completedBy",
       array(select o.xid::xid::text from orders o where o.id = (payload #>> '{order,id}')::integer) as "writtenBy"
     from "${queue}".archive a`,
  );
  return rows;
}

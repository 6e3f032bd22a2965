import type { Context } from "./context.ts";

// What a transaction sees, asked through its own handle.

/** The transaction's id. */
export const xidOf = async ({ harness }: Context, tx: object): Promise<unknown> =>
  (await harness.execute(tx, "select pg_current_xact_id()::text as xid"))[0]!.xid;

/** How many orders of this id there are. */
export async function ordersIn({ harness }: Context, tx: object, id: string): Promise<number> {
  const [row] = await harness.execute(tx, `select count(*)::text as orders from orders where id = '${id}'`);
  return Number(row!.orders);
}

import { defineJob, type } from "@pillion/core";
import type { Handler } from "@pillion/core/worker";
import type { Order, Shop } from "../shop.ts";

/** Where a worker is killed, around the COMMIT that writes an order and completes its job. */
export const moments = [
  "before the write",
  "between write and completion",
  "before COMMIT",
  "right after COMMIT",
] as const;
export type Moment = (typeof moments)[number];

export interface Renewal {
  readonly order: Order;
  /** Where the first worker that runs it stops. */
  readonly moment: Moment;
}

/** The job of one shop: write the next order of a subscription. */
export const renewOrder = (shop: string) =>
  defineJob({ name: `order.renew.${shop.toLowerCase()}`, queue: "renewals", payload: type<Renewal>() });

/** What a worker does where it is to be killed. */
export interface Stops<Tx> {
  /** Called at each moment inside the handler; does not return where the worker is to stop. */
  at(here: Moment, job: Renewal): Promise<void>;
  /** Called last in the handler: sees to it that the worker stops at the COMMIT of this transaction, if it is to. */
  atCommit(tx: Tx, job: Renewal): Promise<void>;
}

/** The handler: its order, and the job's completion, are one commit of the shop's ORM. */
export function renewal<Tx>(name: string, shop: Shop<Tx>, stops?: Stops<Tx>): Handler {
  return shop.transactional(renewOrder(name), async (tx, { payload }) => {
    await stops?.at("before the write", payload);
    await shop.insertOrder(tx, payload.order);
    await stops?.at("between write and completion", payload);
    await stops?.atCommit(tx, payload);
  });
}

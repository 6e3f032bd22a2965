import { sqlStateOf } from "@pillion/core";
import type { Order, Shop } from "../shop.ts";
import type { Ending } from "./endings.ts";
import { writeInvoice } from "./job.ts";

/** What a shop counts while it places orders. The orders themselves are counted in the database. */
export interface Tally {
  tried: number;
  /** Late enqueues that reached the database, which refused them. */
  refusedByDatabase: number;
  /** Late enqueues that the adapter or the ORM refused by itself. */
  refusedEarlier: number;
}

/** Ends a connection from the server's side, and resolves when it is gone. */
export type Kill = (backendPid: number) => Promise<void>;

const unknownCustomer = 999;
const noActiveTransaction = "25P01";

/** Places one order, and the job that writes its invoice, in one transaction that ends as it is told. */
export async function placeOrder<Tx>(
  shop: Shop<Tx>,
  {
    order,
    extra,
    ending,
    tally,
    kill,
  }: { order: Order; extra: Order; ending: Ending; tally: Tally; kill: Kill },
): Promise<void> {
  const buy = async (tx: Tx, bought: Order) => {
    tally.tried++;
    await shop.insertOrder(tx, bought);
    await shop.enqueue(tx, invoiceOf(bought));
  };
  const enqueueLate = (tx: Tx) =>
    shop.enqueue(tx, invoiceOf(order)).then(
      () => {},
      (error) => {
        if (sqlStateOf(error) === noActiveTransaction) tally.refusedByDatabase++;
        else tally.refusedEarlier++;
      },
    );
  switch (ending) {
    case "commit":
      await shop.transaction((tx) => buy(tx, order));
      return;
    case "savepoint":
      await shop.transaction(async (tx) => {
        await buy(tx, order);
        await failing(
          shop.savepoint(tx, async (inner) => {
            await buy(inner, extra);
            throw new Error("the customer does not want the extra order");
          }),
        );
      });
      return;
    case "throw":
      return failing(
        shop.transaction(async (tx) => {
          await buy(tx, order);
          throw new Error("the shop's own code fails");
        }),
      );
    case "constraint":
      return failing(
        shop.transaction(async (tx) => {
          await buy(tx, order);
          await shop.insertOrder(tx, { ...extra, total: -1 });
        }),
      );
    case "commitFails":
      return failing(shop.transaction((tx) => buy(tx, { ...order, customer: unknownCustomer })));
    case "killed":
      return failing(
        shop.transaction(async (tx) => {
          await buy(tx, order);
          await kill(await shop.backendPid(tx));
        }),
      );
    case "late": {
      let leaked: Tx | undefined;
      await failing(
        shop.transaction(async (tx) => {
          leaked = tx;
          tally.tried++;
          await shop.insertOrder(tx, order);
          throw new Error("the shop's own code fails");
        }),
      );
      return enqueueLate(leaked as Tx);
    }
    case "lateUnseen":
      return failing(
        shop.transaction(async (tx) => {
          tally.tried++;
          await shop.insertOrder(tx, order);
          await shop.rollbackByHand(tx);
          await enqueueLate(tx);
          throw new Error("the shop gives up");
        }),
      );
  }
}

function invoiceOf({ id, shop }: Order) {
  return writeInvoice({ orderId: id, shop });
}

/** For what ends in an error, and is meant to. Had it committed instead, the order would be in the table. */
async function failing(transaction: Promise<unknown>): Promise<void> {
  await transaction.catch(() => {});
}

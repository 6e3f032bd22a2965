import { configure } from "@pillion/prisma";
import type { Place } from "../shop.ts";
import { connectPrisma } from "../shops/prisma.ts";
import { packed } from "./jobs.ts";

/** Another part of the company, with its own ORM: it packs, and says so in the transaction that notes it. */
export interface Warehouse {
  /** Packs an order. `onPacked` is called inside the transaction; where it throws, nothing was packed. */
  pack(orderId: number, boxes: number, onPacked?: () => void): Promise<void>;
  close(): Promise<void>;
}

export function openWarehouse(place: Place): Warehouse {
  const { emit } = configure({ schema: place.queue });
  const client = connectPrisma(place);
  return {
    pack: (orderId, boxes, onPacked) =>
      client.$transaction(async (tx) => {
        await tx.shipment.create({ data: { orderId, boxes } });
        await emit(tx, packed(orderId), { boxes });
        onPacked?.();
      }),
    close: () => client.$disconnect(),
  };
}

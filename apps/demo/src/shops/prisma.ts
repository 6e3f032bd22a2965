import { configure, type TransactionOf } from "@pillion/prisma";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../generated/client.ts";
import type { Shop, ShopKind } from "../shop.ts";

type Tx = TransactionOf<PrismaClient>;

export const prisma: ShopKind = {
  name: "Prisma",
  async open({ url, schema, queue }): Promise<Shop<Tx>> {
    const client = new PrismaClient({
      adapter: new PrismaPg(
        { connectionString: url, max: 4 },
        { schema, onPoolError: () => {}, onConnectionError: () => {} },
      ),
      log: [],
    });
    return {
      transaction: (work) => client.$transaction(work),
      savepoint: (tx, work) => tx.$transaction(work),
      rollbackByHand: (tx) => tx.$executeRaw`rollback`,
      insertOrder: (tx, order) => tx.order.create({ data: order }),
      enqueue: configure({ schema: queue }).enqueue,
      async backendPid(tx) {
        const rows = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`;
        return rows[0]!.pid;
      },
      close: () => client.$disconnect(),
    };
  },
};

import { configure, type TransactionOf } from "@pillion/prisma";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../generated/client.ts";
import type { Place, Shop } from "../shop.ts";
import { connections } from "./pool.ts";

type Tx = TransactionOf<PrismaClient>;

/** A client that bears with connections that are killed on purpose. */
export function connectPrisma({ url, schema, Client }: Place): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg(
      { connectionString: url, max: connections, Client },
      { schema, onPoolError: () => {}, onConnectionError: () => {} },
    ),
    log: [],
  });
}

export async function openPrisma(place: Place): Promise<Shop<Tx>> {
  const client = connectPrisma(place);
  const verbs = configure({ schema: place.queue });
  return {
    transaction: (work) => client.$transaction(work),
    savepoint: (tx, work) => tx.$transaction(work),
    rollbackByHand: (tx) => tx.$executeRaw`rollback`,
    insertOrder: (tx, order) => tx.order.create({ data: order }),
    enqueue: verbs.enqueue,
    transactional: (jobType, run) => verbs.transactional(client, jobType, run),
    async backendPid(tx) {
      const rows = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`;
      return rows[0]!.pid;
    },
    close: () => client.$disconnect(),
  };
}

import * as pgAdapter from "@prisma/adapter-pg";

export { Prisma, PrismaClient } from "./generated/client.ts";

/** Prisma 6 forgets a connection whose COMMIT failed: a few such transactions would use up the pool. */
export class PrismaPg extends pgAdapter.PrismaPg {
  override async connect() {
    const adapter = await super.connect();
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (isolationLevel) => {
      const transaction = await start(isolationLevel);
      const execute = transaction.executeRaw.bind(transaction);
      transaction.executeRaw = async (query) => {
        try {
          return await execute(query);
        } catch (error) {
          if (query.sql === "COMMIT") await transaction.rollback();
          throw error;
        }
      };
      return transaction;
    };
    return adapter;
  }
}

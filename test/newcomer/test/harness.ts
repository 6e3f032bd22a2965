import { type Harness, versionOf } from "@pillion/conformance";
import postgres, { type Sql, type TransactionSql } from "postgres";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";

const harness: Harness<TransactionSql, Sql> = {
  orm: "postgres",
  version: versionOf("postgres", import.meta.url),
  driver: "postgres",
  module: import.meta.url,
  adapter,
  testing,
  traits: {
    finishedHandle: "database",
    handleLives: "transaction",
    ownTimeout: false,
    swallowedError: "rejects",
    lostConnection: "ends the process",
    ownConnection: false,
  },
  async connect({ url, poolSize }) {
    const client = postgres(url, { max: poolSize, onnotice: () => {} });
    return {
      client,
      transaction: (fn, { isolationLevel } = {}) =>
        client.begin(isolationLevel ? `isolation level ${isolationLevel}` : "", fn) as ReturnType<typeof fn>,
      close: () => client.end(),
    };
  },
  insertOrder: (tx, order) => tx`insert into orders ${tx({ ...order })}`,
  execute: (tx, statement) => tx.unsafe(statement),
  savepoint: (tx, fn) => tx.savepoint(fn) as ReturnType<typeof fn>,
  wrongHandles: [
    {
      name: "the client",
      says: "a postgres.js connection, which is not a transaction",
      make: ({ client }) => client,
    },
    {
      name: "a reserved connection",
      says: "a reserved connection of postgres.js",
      async make({ client }, after) {
        const reserved = await client.reserve();
        after(() => reserved.release());
        return reserved;
      },
    },
  ],
};

export const harnesses = [harness];

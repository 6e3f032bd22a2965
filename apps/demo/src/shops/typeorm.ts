import "reflect-metadata";
import { configure } from "@pillion/typeorm";
import { DataSource, type EntityManager, EntitySchema } from "typeorm";
import type { Order, Place, Shop } from "../shop.ts";
import { connections } from "./pool.ts";

const orders = new EntitySchema<Order>({
  name: "Order",
  tableName: "orders",
  columns: {
    id: { type: Number, primary: true },
    shop: { type: String },
    customer: { type: Number },
    total: { type: Number },
  },
});

export async function openTypeorm({ url, schema, queue, Client }: Place): Promise<Shop<EntityManager>> {
  const source = new DataSource({
    type: "postgres",
    url,
    schema,
    entities: [orders],
    poolSize: connections,
    extra: { Client },
    logging: false,
  });
  await source.initialize();
  const verbs = configure({ schema: queue });
  return {
    transaction: (work) => source.transaction(work),
    savepoint: (manager, work) => manager.transaction(work),
    rollbackByHand: (manager) => manager.query("rollback"),
    insertOrder: (manager, order) => manager.insert(orders, order),
    enqueue: verbs.enqueue,
    transactional: (jobType, run) => verbs.transactional(source, jobType, run),
    backendPid: async (manager) => (await manager.query("select pg_backend_pid() as pid"))[0].pid,
    close: () => source.destroy(),
  };
}

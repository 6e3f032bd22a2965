import "reflect-metadata";
import { configure } from "@pillion/typeorm";
import { DataSource, type EntityManager, EntitySchema } from "typeorm";
import type { Order, Shop, ShopKind } from "../shop.ts";

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

export const typeorm: ShopKind = {
  name: "TypeORM",
  async open({ url, schema, queue }): Promise<Shop<EntityManager>> {
    const source = new DataSource({
      type: "postgres",
      url,
      schema,
      entities: [orders],
      poolSize: 4,
      logging: false,
    });
    await source.initialize();
    return {
      transaction: (work) => source.transaction(work),
      savepoint: (manager, work) => manager.transaction(work),
      rollbackByHand: (manager) => manager.query("rollback"),
      insertOrder: (manager, order) => manager.insert(orders, order),
      enqueue: configure({ schema: queue }).enqueue,
      backendPid: async (manager) => (await manager.query("select pg_backend_pid() as pid"))[0].pid,
      close: () => source.destroy(),
    };
  },
};

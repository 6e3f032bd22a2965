import { Injectable } from "@nestjs/common";
import { Transactional, TransactionHost } from "@nestjs-cls/transactional";
import { BillingService } from "./billing.service";
import { type DrizzleAdapter, type Order, orders } from "./database";

@Injectable()
export class OrdersService {
  constructor(
    private readonly txHost: TransactionHost<DrizzleAdapter>,
    private readonly billing: BillingService,
  ) {}

  @Transactional()
  async place(order: Order): Promise<{ job: string }> {
    await this.txHost.tx.insert(orders).values(order);
    return { job: await this.billing.charge(order) };
  }

  /** Somebody forgot the decorator. */
  async placeCarelessly(order: Order): Promise<{ job: string }> {
    return { job: await this.billing.charge(order) };
  }
}

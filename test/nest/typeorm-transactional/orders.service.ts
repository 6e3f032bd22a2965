import { Injectable } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { Transactional } from "typeorm-transactional";
import { BillingService } from "./billing.service";
import { Order } from "./order.entity";

@Injectable()
export class OrdersService {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly billing: BillingService,
  ) {}

  @Transactional()
  async place(order: Order): Promise<{ job: string }> {
    await this.orders.insert(order);
    return { job: await this.billing.charge(order) };
  }

  /** Somebody forgot the decorator. */
  async placeCarelessly(order: Order): Promise<{ job: string }> {
    return { job: await this.billing.charge(order) };
  }
}

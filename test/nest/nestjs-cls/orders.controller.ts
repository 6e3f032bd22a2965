import { Body, Controller, Post } from "@nestjs/common";
import type { Order } from "./database";
import { OrdersService } from "./orders.service";

@Controller("orders")
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  place(@Body() order: Order): Promise<{ job: string }> {
    return this.orders.place(order);
  }
}

import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { DataSource } from "typeorm";
import { addTransactionalDataSource } from "typeorm-transactional";
import { BillingService } from "./billing.service";
import { InvoicesService } from "./invoices.service";
import { Order } from "./order.entity";
import { OrdersController } from "./orders.controller";
import { OrdersService } from "./orders.service";

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({ type: "postgres", url: process.env.DATABASE_URL!, entities: [Order] }),
      dataSourceFactory: async (options) => addTransactionalDataSource(new DataSource(options!)),
    }),
    TypeOrmModule.forFeature([Order]),
  ],
  controllers: [OrdersController],
  providers: [OrdersService, BillingService, InvoicesService],
})
export class AppModule {}

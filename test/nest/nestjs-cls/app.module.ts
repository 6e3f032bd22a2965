import { Inject, Module, type OnApplicationShutdown } from "@nestjs/common";
import { ClsPluginTransactional } from "@nestjs-cls/transactional";
import { TransactionalAdapterDrizzleOrm } from "@nestjs-cls/transactional-adapter-drizzle-orm";
import { ClsModule } from "nestjs-cls";
import type { Pool } from "pg";
import { BillingService } from "./billing.service";
import { DATABASE, openDatabase, openPool, POOL } from "./database";
import { InvoicesService } from "./invoices.service";
import { OrdersController } from "./orders.controller";
import { OrdersService } from "./orders.service";

@Module({
  providers: [
    { provide: POOL, useFactory: openPool },
    { provide: DATABASE, useFactory: openDatabase, inject: [POOL] },
  ],
  exports: [DATABASE],
})
class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(POOL) private readonly pool: Pool) {}

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}

@Module({
  imports: [
    ClsModule.forRoot({
      global: true,
      middleware: { mount: true },
      plugins: [
        new ClsPluginTransactional({
          imports: [DatabaseModule],
          adapter: new TransactionalAdapterDrizzleOrm({ drizzleInstanceToken: DATABASE }),
        }),
      ],
    }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService, BillingService, InvoicesService],
})
export class AppModule {}

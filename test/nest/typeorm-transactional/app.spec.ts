import "reflect-metadata";
import { initializeTransactionalContext } from "typeorm-transactional";
import { shopTests } from "../shop-tests";
import { AppModule } from "./app.module";
import { OrdersService } from "./orders.service";

initializeTransactionalContext();
shopTests(AppModule, OrdersService);

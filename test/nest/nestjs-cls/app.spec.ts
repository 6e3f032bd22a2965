import "reflect-metadata";
import { shopTests } from "../shop-tests";
import { AppModule } from "./app.module";
import { OrdersService } from "./orders.service";

shopTests(AppModule, OrdersService);

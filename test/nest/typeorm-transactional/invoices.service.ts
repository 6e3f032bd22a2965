import { Injectable } from "@nestjs/common";
import { ambient, enqueue } from "@pillion/typeorm";
import { DataSource } from "typeorm";
import { sendInvoice } from "../jobs";

/** The innermost service: nobody gives it a transaction. */
@Injectable()
export class InvoicesService {
  private readonly tx = ambient(() => this.dataSource.manager);

  constructor(private readonly dataSource: DataSource) {}

  async request(orderId: string): Promise<string> {
    const { id } = await enqueue(this.tx, sendInvoice({ orderId }));
    return id;
  }
}

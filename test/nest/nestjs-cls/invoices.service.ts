import { Injectable } from "@nestjs/common";
import { TransactionHost } from "@nestjs-cls/transactional";
import { ambient, enqueue } from "@pillion/drizzle";
import { sendInvoice } from "../jobs";
import type { DrizzleAdapter } from "./database";

/** The innermost service: nobody gives it a transaction. */
@Injectable()
export class InvoicesService {
  private readonly tx = ambient(() => this.txHost.tx);

  constructor(private readonly txHost: TransactionHost<DrizzleAdapter>) {}

  async request(orderId: string): Promise<string> {
    const { id } = await enqueue(this.tx, sendInvoice({ orderId }));
    return id;
  }
}

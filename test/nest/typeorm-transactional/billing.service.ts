import { Injectable, UnprocessableEntityException } from "@nestjs/common";
import { InvoicesService } from "./invoices.service";

@Injectable()
export class BillingService {
  constructor(private readonly invoices: InvoicesService) {}

  async charge(order: { id: string; total: number }): Promise<string> {
    const job = await this.invoices.request(order.id);
    if (order.total > 1_000) throw new UnprocessableEntityException("card declined");
    return job;
  }
}

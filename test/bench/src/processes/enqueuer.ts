import { defineAdapter, type Statement } from "@pillion/core/adapter";
import { configure } from "@pillion/pg";
import pg from "pg";
import { invoice, sendInvoice } from "../enqueue/order.ts";
import { serve } from "./serve.ts";

/** One client of the commits bench: a process that runs transactions of one arm for as long as it is told. */
export type Arm = "enqueue" | "raw" | "returning" | "twin" | "minimal";

/** An adapter that sends nothing, and the last statement that it was to send. */
let sent: Statement;
const nowhere = defineAdapter<object>({
  name: "Nowhere",
  expects: "anything",
  handleLives: "connection",
  inTransaction: () => true,
  isClient: () => false,
  async run(_, statement) {
    sent = statement;
    return [{ answer: "1 1,true,ready" }];
  },
});

let client: pg.Client;
let arms: Record<Arm, (orderId: number) => Promise<unknown>>;
let order = process.pid * 1_000_000;

serve({
  async open(url: string, schema: string) {
    await warmUp();
    client = new pg.Client({ connectionString: url });
    await client.connect();
    const { enqueue } = configure({ schema });
    await nowhere.configure({ schema }).enqueue({}, sendInvoice(invoice(0)));
    const { text, values } = sent;
    arms = {
      enqueue: (orderId) => enqueue(client, sendInvoice(invoice(orderId))),
      raw: (orderId) =>
        client.query(text, [values[0], values[1], JSON.stringify(invoice(orderId)), ...values.slice(3)]),
      returning: (orderId) =>
        client.query("insert into twin (queue, name, payload) values ($1, $2, $3) returning id", [
          "billing",
          "invoice.send",
          JSON.stringify(invoice(orderId)),
        ]),
      twin: (orderId) =>
        client.query("insert into twin (queue, name, payload) values ($1, $2, $3)", [
          "billing",
          "invoice.send",
          JSON.stringify(invoice(orderId)),
        ]),
      minimal: (orderId) =>
        client.query("insert into minimal (queue, payload) values ($1, $2)", [
          "billing",
          JSON.stringify(invoice(orderId)),
        ]),
    };
  },
  /** Runs transactions for so long; answers how many a second. */
  async transactions(arm: Arm, forMs: number): Promise<number> {
    const start = performance.now();
    let commits = 0;
    while (performance.now() - start < forMs) {
      const orderId = order++;
      await client.query("begin");
      await client.query("insert into orders (customer, total) values ($1, $2)", [
        "Ada Lovelace",
        orderId % 1000,
      ]);
      await arms[arm](orderId);
      await client.query("commit");
      commits++;
    }
    return (commits / (performance.now() - start)) * 1_000;
  },
});

/** Runs what enqueue does in this process until it is compiled: a short run would measure the interpreter. */
async function warmUp(): Promise<void> {
  for (let orderId = 0; orderId < 20_000; orderId++) await nowhere.enqueue({}, sendInvoice(invoice(orderId)));
}

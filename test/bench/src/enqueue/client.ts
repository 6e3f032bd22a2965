import { defineAdapter } from "@pillion/core/adapter";
import { configure } from "@pillion/pg";
import pg from "pg";
import { invoice, sendInvoice } from "./order.ts";

/** One client of the commits bench: a process that runs transactions of one arm for as long as it is told. */
export type Arm = "enqueue" | "twin" | "minimal";
export interface Go {
  readonly arm: Arm;
  readonly forMs: number;
}
export interface Done {
  readonly commits: number;
  readonly ms: number;
}

const [url, schema] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url! });
const { enqueue } = configure({ schema: schema! });
let order = process.pid * 1_000_000;

const arms: Record<Arm, (orderId: number) => Promise<unknown>> = {
  enqueue: (orderId) => enqueue(client, sendInvoice(invoice(orderId))),
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

async function transactions({ arm, forMs }: Go): Promise<Done> {
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
  return { commits, ms: performance.now() - start };
}

/** Runs what enqueue does in this process until it is compiled: a short run would measure the interpreter. */
async function warmUp(): Promise<void> {
  const { enqueue } = defineAdapter<object>({
    name: "Nowhere",
    expects: "anything",
    handleLives: "connection",
    inTransaction: () => true,
    isClient: () => false,
    run: async () => [{ answer: "1 1,true,ready" }],
  });
  for (let orderId = 0; orderId < 20_000; orderId++) await enqueue({}, sendInvoice(invoice(orderId)));
}

await warmUp();
await client.connect();
process.on("message", async (go: Go) => process.send!(await transactions(go)));
process.on("disconnect", () => client.end());
process.send!("ready");

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Town } from "../town.ts";

/** Who takes no part in the shop's transactions: the provider of payments, and that of mails. */
export type Service = "charge" | "mail";

/** The others, as a handler calls them. */
export class Outside {
  constructor(private readonly url: string) {}

  /** Has a service do something once for each `key`: a call with a key that it knows gets the same receipt. */
  async post(
    service: Service,
    body: { readonly orderId: number; readonly boxes?: number },
    key: string,
  ): Promise<{ receipt: string }> {
    const answer = await fetch(`${this.url}/${service}`, {
      method: "POST",
      headers: { "Idempotency-Key": key },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the provider answered ${answer.status}`);
    return (await answer.json()) as { receipt: string };
  }
}

/** The others themselves: an HTTP server in the demo's own process. */
export interface OutsideServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param beforeAnswer called when a service has done what it was asked for, and has not answered yet; `again` where it
 *   knew the key, and did nothing
 */
export async function openOutside(
  { pool }: Town,
  beforeAnswer: (service: Service, again: boolean) => Promise<void>,
): Promise<OutsideServer> {
  const serve = async (service: Service, key: string, orderId: number) => {
    await pool.query("insert into outside_call (service, key, order_id) values ($1, $2, $3)", [
      service,
      key,
      orderId,
    ]);
    const { rowCount } = await pool.query(
      "insert into outside_effect (service, key, order_id) values ($1, $2, $3) on conflict do nothing",
      [service, key, orderId],
    );
    await beforeAnswer(service, rowCount === 0);
    return { receipt: `${service} ${key.slice(0, 8)}` };
  };
  const server = createServer(async (request, response) => {
    try {
      const { orderId } = JSON.parse(await text(request));
      const key = String(request.headers["idempotency-key"]);
      response.end(JSON.stringify(await serve(request.url!.slice(1) as Service, key, orderId)));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

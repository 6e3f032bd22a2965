import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** Stands before a server, and loses every notification that it sends: the messages of type `A`. */
export async function lossyProxy(url: string): Promise<{ url: string; close(): void }> {
  const to = new URL(url);
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: Number(to.port), host: to.hostname, noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      socket.on("error", () => {}).on("close", () => other.destroy());
    client.pipe(upstream);
    let rest = Buffer.alloc(0);
    upstream.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      // One byte of type, and a length that counts itself.
      while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
        const end = 1 + rest.readInt32BE(1);
        if (rest.toString("latin1", 0, 1) !== "A") client.write(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = new URL(url);
  own.port = String((server.address() as AddressInfo).port);
  return { url: own.href, close: () => void server.close() };
}

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A URL with a parameter more. */
export function withQuery(url: string, name: string, value: string): string {
  const own = new URL(url);
  own.searchParams.set(name, value);
  return own.href;
}

/** A way to the server on which whoever calls decides what comes through. */
export async function proxyTo(
  url: string,
  meet: (client: Socket, upstream: Socket, cut: () => void) => void,
  /** Whether it does not even answer when this one says that it closes. */
  isSilent: (client: Socket) => boolean = () => false,
): Promise<string> {
  const { port, hostname } = new URL(url);
  const sockets = new Set<Socket>();
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect(Number(port || 5432), hostname);
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", cut);
      socket.on("end", () => isSilent(client) || cut());
    }
    meet(client, upstream, cut);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const own = new URL(url);
  own.hostname = "127.0.0.1";
  own.port = String((listener.address() as { port: number }).port);
  return own.href;
}

/**
 * From a moment on the connections that are open by then are silent, and so are the `next` that are opened: nothing that
 * is sent arrives, and nobody says so.
 */
export async function silencingProxy(url: string) {
  const [open, silent] = [new Set<Socket>(), new Set<Socket>()];
  let left = 0;
  const silence = (next = 0) => {
    for (const client of open) silent.add(client);
    left = next;
  };
  const meet = (client: Socket, upstream: Socket) => {
    open.add(client);
    if (left-- > 0) silent.add(client);
    client.on("data", (chunk) => void (silent.has(client) || upstream.write(chunk)));
    upstream.on("data", (chunk) => void (silent.has(client) || client.write(chunk)));
  };
  return { url: await proxyTo(url, meet, (client) => silent.has(client)), silence };
}

import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to the database that can be shut: for whoever goes through it, the database is then away. */
export interface Gate {
  readonly url: string;
  /** Breaks every connection, and lets no further one through. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function gateTo(url: string): Promise<Gate> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let port = 0;
  let server: Server;

  async function open() {
    server = createServer((inside) => {
      const outside = connect(Number(target.port || 5432), target.hostname);
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address === "object" && address !== null) port = address.port;
  }
  await open();
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String(port);
  return {
    url: through.href,
    open,
    async shut() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

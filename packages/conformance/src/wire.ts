import { connect, createServer, type Socket } from "node:net";

/** What has passed through a {@link Wire} from the client to the server. */
interface Traffic {
  readonly connections: number;
  /** Statements run: simple Query and Execute messages. */
  readonly statements: number;
  /** Times that the client asked for an answer before it goes on: Query, Sync and Flush messages. */
  readonly roundTrips: number;
  /** Parse messages that name their statement, which PgBouncer's transaction mode may not carry. */
  readonly namedStatements: number;
}

/** A way to the server that counts what is sent. */
export interface Wire {
  readonly url: string;
  traffic(): Traffic;
  close(): Promise<void>;
}

/** Opens a port that passes everything on to the server of `url`, and reads the client's side of the protocol. */
export async function openWire(url: string): Promise<Wire> {
  const target = new URL(url);
  const counted = { connections: 0, statements: 0, roundTrips: 0, namedStatements: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    counted.connections++;
    const upstream = connect({
      host: target.hostname.replace(/^\[|\]$/g, ""),
      port: Number(target.port || 5432),
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    const count = counter(counted);
    client.on("data", count);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address() as { port: number };
  const own = new URL(url);
  own.hostname = "127.0.0.1";
  own.port = String(address.port);
  own.searchParams.set("sslmode", "disable");
  own.search = own.search.replaceAll("+", "%20");
  return {
    url: own.href,
    traffic: () => ({ ...counted }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Reads one client's messages: a start-up packet without a type, then a type, a length and a body each. */
function counter(counted: { -readonly [K in keyof Traffic]: number }): (chunk: Buffer) => void {
  let started = false;
  let rest: Buffer = Buffer.alloc(0);
  let toSkip = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const skipped = Math.min(toSkip, rest.length);
      rest = rest.subarray(skipped);
      toSkip -= skipped;
      const header = started ? 5 : 4;
      // One byte of the body too: it tells whether a Parse names its statement.
      if (rest.length < header || (rest.length === header && rest.readInt32BE(header - 4) > 4)) return;
      if (started) {
        const type = String.fromCharCode(rest[0]!);
        if (type === "Q" || type === "E") counted.statements++;
        if (type === "Q" || type === "S" || type === "H") counted.roundTrips++;
        if (type === "P" && rest[header] !== 0) counted.namedStatements++;
      }
      toSkip = rest.readInt32BE(header - 4) + header - 4;
      started = true;
    }
  };
}

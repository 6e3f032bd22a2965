import type { OwnConnection } from "@pillion/core/adapter";

/** What postgres.js keeps of what a client was opened with. */
interface PostgresJsOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** A socket in the file system. */
  readonly path: string | false;
  readonly database: string;
  readonly user: string;
  readonly pass: string | (() => string | Promise<string>);
  readonly ssl: unknown;
  readonly connection: { readonly options?: string | undefined };
  /** Opens the socket in the application's own way. */
  readonly socket?: unknown;
}

/**
 * How pg opens a connection like those of a postgres.js client: one that postgres.js opens would mend itself in silence,
 * and what it held for its worker would be gone. Undefined for any other client, and where the application opens the
 * sockets.
 */
export function postgresJsConnection(client: unknown): OwnConnection | undefined {
  if (typeof client !== "function" || !("options" in client)) return undefined;
  const { host, port, path, database, user, pass, ssl, connection, socket } =
    client.options as PostgresJsOptions;
  if (socket || !Array.isArray(host)) return undefined;
  return {
    options: {
      // pg takes the folder of a socket, and makes its name as postgres.js does.
      host: path ? path.slice(0, path.lastIndexOf("/")) : host[0],
      port: Number(port[0]),
      database,
      user,
      password: pass,
      ssl: sslOf(ssl),
      options: connection.options,
    },
  };
}

/** As postgres.js reads it: these words ask for encryption, and for no proof of whose it is. */
function sslOf(ssl: unknown): unknown {
  if (ssl === "require" || ssl === "allow" || ssl === "prefer") return { rejectUnauthorized: false };
  return typeof ssl === "object" ? (ssl ?? false) : Boolean(ssl);
}

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Admin } from "@pillion/core/admin";
import { type BoardDoor, boardDoor, dashboard } from "@pillion/dashboard";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { Failure } from "../failure.ts";
import { databaseCommand, type Shared } from "../options.ts";

interface Options extends Shared {
  readonly port: string;
  readonly host: string;
  readonly allowRemote?: true;
  readonly readOnly?: true;
}

const loopback = ["127.0.0.1", "localhost", "[::1]", "::1"];

/** `pillion dashboard`: the board in the browser, on this machine. */
export function dashboardCommand(): Command {
  return databaseCommand(
    "dashboard",
    "Show the board in the browser: serves it on this machine until Ctrl-C.",
  )
    .option("--port <number>", "where it listens; 0 for any that is free", "4747")
    .option("--read-only", "nothing can be changed there")
    .option("--host <name>", "the address on which it listens", "127.0.0.1")
    .option("--allow-remote", "let --host be one that other machines reach: there is no TLS")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const port = /^\d{1,5}$/.test(options.port) ? Number(options.port) : Number.NaN;
  if (!(port <= 65_535)) throw new Failure("USAGE", 2, `--port ${options.port} is no port: 0 to 65535.`);
  if (!loopback.includes(options.host) && !options.allowRemote)
    throw new Failure(
      "USAGE",
      2,
      `--host ${options.host} may be reached from other machines, and what is sent is not encrypted. Pass --allow-remote too, ` +
        "or mount the board in your application, behind its sign-in: docs/dashboard.md.",
    );
  await withAdmin(options, (admin) => serve(admin, port, options));
}

async function serve(
  admin: Admin,
  port: number,
  { host, allowRemote, readOnly, json }: Options,
): Promise<void> {
  let door: BoardDoor | undefined;
  const board = dashboard({ admin, authorize: (request) => door?.letsIn(request) ?? false, readOnly });
  const server = createAdaptorServer({ fetch: async (request) => door?.answer(request) ?? board(request) });
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  server.listen(port, bare);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    throw cannotListen(error, host, port);
  });
  const { port: taken } = server.address() as AddressInfo;
  door = boardDoor(taken, allowRemote ? undefined : loopback);
  const url = `http://${bare.includes(":") ? `[${bare}]` : bare}:${taken}${door.path}`;
  if (json) console.log(JSON.stringify({ url, readOnly: readOnly ?? false }));
  else
    console.log(
      `The board${readOnly ? ", read-only," : ""} is at ${url}\nThis address works once: whoever opens it first is let in. Ctrl-C ends the board.`,
    );
  await stopped();
  server.close();
  (server as { closeAllConnections?(): void }).closeAllConnections?.();
}

/** Until somebody ends it. */
async function stopped(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): Failure {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: "something listens there already. Pass another --port, or --port 0 for any that is free.",
    EACCES: "this user may not. Pass a --port above 1023.",
    EADDRNOTAVAIL: "this machine has no such address.",
    ENOTFOUND: "the name is unknown.",
  };
  return new Failure(
    "CANNOT_LISTEN",
    1,
    `Cannot listen on ${host}, port ${port}: ${why[error.code ?? ""] ?? error.message}`,
  );
}

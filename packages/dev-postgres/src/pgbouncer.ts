import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { keepServer } from "./keep-server.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

export interface RunningPgBouncer {
  /** The URL of the database through it. */
  readonly url: string;
  readonly version: string;
  /** Stops it; so does the end, of whatever kind, of this process. */
  stop(): Promise<void>;
}

/**
 * Starts a real PgBouncer before a server. Where there is none, root installs Debian's.
 *
 * @param options.url the server's
 * @param options.poolSize how many connections to the server its clients share, for each database
 * @param options.mode for how long it lends one: default for a transaction
 * @param options.settings others of its own
 * @throws Error where there is no PgBouncer and it cannot be installed: it says what to do
 */
export async function startPgBouncer(options: {
  url: string;
  poolSize: number;
  mode?: "session" | "transaction" | "statement";
  settings?: Readonly<Record<string, string | number>>;
}): Promise<RunningPgBouncer> {
  const command = findPgBouncer() ?? installPgBouncer();
  const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.split("\n", 1)[0]!;
  const server = new URL(options.url);
  const user = unprivilegedUser();
  const directory = mkdtempSync(join(tmpdir(), "pillion-pgbouncer-"));
  if (user) chownSync(directory, user.uid, user.gid);
  const port = await freePort();
  const connection = {
    host: server.hostname,
    port: server.port || "5432",
    user: decodeURIComponent(server.username),
    password: decodeURIComponent(server.password),
  };
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    // Whoever connects to this loopback port is let in, and works as the user of the URL.
    auth_type: "any",
    pool_mode: options.mode ?? "transaction",
    default_pool_size: options.poolSize,
    max_client_conn: 500,
    ...options.settings,
  };
  const file = join(directory, "pgbouncer.ini");
  const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const target = Object.entries(connection).filter(([, value]) => value !== "");
  writeFileSync(
    file,
    `[databases]
* = ${target.map(([name, value]) => `${name}=${quoted(value)}`).join(" ")}
[pgbouncer]
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}`)
  .join("\n")}
`,
    { mode: 0o600 },
  );
  if (user) chownSync(file, user.uid, user.gid);
  const kept = await keepServer({
    name: "PgBouncer",
    command,
    args: [file],
    user,
    directory,
    ready: "process up",
    // At once, whoever is still connected.
    stopBy: "SIGTERM",
  });
  const url = new URL(`postgres://127.0.0.1:${port}${server.pathname}`);
  url.username = server.username;
  return { url: url.href, version, stop: kept.stop };
}

function findPgBouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, "pgbouncer")).find((file) => existsSync(file));
}

function installPgBouncer(): string {
  const advice =
    "These tests need the program `pgbouncer`. Install it (Debian, Ubuntu: `apt-get install pgbouncer`; macOS: `brew install pgbouncer`)";
  if (process.getuid?.() !== 0)
    throw new Error(`${advice}, or run them as root on Debian, and they install it.`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "pgbouncer"]]) {
    const { status, error, stdout, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (error !== undefined) throw new Error(`${advice}: there is no apt-get here (${error.message}).`);
    if (status !== 0)
      throw new Error(`${advice}: \`apt-get ${args.join(" ")}\` ended with ${status}.\n${stdout}${stderr}`);
  }
  const installed = findPgBouncer();
  if (installed === undefined) throw new Error(`${advice}: apt-get has put no pgbouncer on the PATH.`);
  return installed;
}

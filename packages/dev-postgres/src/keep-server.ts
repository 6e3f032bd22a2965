import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A server that lives as long as this process, or shorter. */
export interface KeptServer {
  /** Sends it a signal that ends it, and starts it again; resolves when it is ready. */
  restart(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
  /** Stops it and removes its directory. */
  stop(): Promise<void>;
}

/**
 * Starts a server in the foreground, and stops it at the end, of whatever kind, of this process.
 *
 * @param options.ready what it says on stderr when it takes connections
 * @param options.directory its own, removed when it has ended
 */
export async function keepServer(options: {
  name: string;
  command: string;
  args: readonly string[];
  user: { uid: number; gid: number } | undefined;
  directory: string;
  ready: string;
  stopBy: "SIGINT" | "SIGTERM";
}): Promise<KeptServer> {
  const { name, directory } = options;
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(new URL("./keeper.mjs", import.meta.url)), JSON.stringify(options)],
    { cwd: directory, stdio: ["pipe", "ignore", "pipe"], detached: true, env: withoutNodeOptions() },
  );
  let log = "";
  keeper.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log = (log + chunk).slice(-20_000);
  });
  const ready = () =>
    new Promise<void>((resolve, reject) => {
      keeper.stderr.on("data", () => {
        if (log.includes(options.ready)) resolve();
      });
      keeper.once("exit", (code) => reject(new Error(`${name} exited with ${code}:\n${log}`)));
      keeper.once("error", reject);
    });
  const exited = new Promise<void>((resolve) => keeper.once("exit", () => resolve()));
  const kept: KeptServer = {
    async restart(signal) {
      log = "";
      keeper.ref();
      keeper.stdin.write(signal);
      await ready();
      keeper.unref();
    },
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await exited;
    },
  };
  await ready();
  // A script whose work is done ends by itself, and the server with it.
  keeper.unref();
  for (const stream of [keeper.stdin, keeper.stderr]) (stream as unknown as { unref(): void }).unref();
  return kept;
}

/** The keeper is plain JavaScript: loaders and inspectors of this process are not for it. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

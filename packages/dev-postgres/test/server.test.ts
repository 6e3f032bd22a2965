import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { expect, test } from "vitest";

const serve = fileURLToPath(new URL("../src/serve.ts", import.meta.url));

/** A process of its own that starts a server and tells its URL. */
async function serveInAnotherProcess() {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), serve], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const url = String(line).trim();
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query("select current_setting('data_directory') as directory");
  return { child, client, url, directory: rows[0].directory as string };
}

async function refusesConnections(url: string): Promise<boolean> {
  const socket = createConnection(Number(new URL(url).port), "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(false)).once("error", () => resolve(true));
  }).then((refused) => {
    socket.destroy();
    return refused as boolean;
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const)
  test(`a server and its files go when the process that started it gets ${signal}`, async () => {
    const { child, client, url, directory } = await serveInAnotherProcess();
    expect(existsSync(directory)).toBe(true);
    const ended = new Promise((resolve) => client.once("end", resolve));
    child.kill(signal);
    await ended;
    // The connection ends with its backend; the postmaster and the directory follow.
    await expect.poll(() => refusesConnections(url), { timeout: 30_000 }).toBe(true);
    await expect.poll(() => existsSync(directory), { timeout: 30_000 }).toBe(false);
  });

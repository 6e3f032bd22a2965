import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const tsx = import.meta.resolve("tsx");

/** Runs the program as a shell would; DATABASE_URL is what `env` says and nothing else. */
export async function pillion(args: readonly string[], env: { DATABASE_URL?: string } = {}) {
  const { DATABASE_URL: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, ["--import", tsx, main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { exitCode, stdout, stderr };
}

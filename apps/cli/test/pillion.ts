import { spawn } from "node:child_process";
import { builtProgram } from "@pillion/dev-program";

const file = (path: string) => new URL(path, import.meta.url);

/** Starts the program as a shell would; DATABASE_URL is what `env` says and nothing else. */
export async function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin = "",
  cwd?: string,
) {
  const main = await builtProgram(file("../src/main.ts"), file("../package.json"));
  const { DATABASE_URL: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...inherited, ...env },
    cwd,
  });
  // One that has ended reads no more.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text) => {
      said[stream] += text;
    });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, said, ended: closed.then((exitCode) => ({ exitCode, ...said })) };
}

/** Runs the program to its end. */
export async function pillion(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  stdin?: string,
  cwd?: string,
) {
  return (await start(args, env, stdin, cwd)).ended;
}

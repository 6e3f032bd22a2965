import { spawn } from "node:child_process";
import { once } from "node:events";
import { builtProgram } from "@pillion/dev-program";
import { onTestFinished } from "vitest";
import { until } from "./queue.ts";

/** A worker in a process of its own, as child.ts says, or another program; it is killed when the test has finished. */
export async function workerProcess(
  { url, schema }: { readonly url: string; readonly schema: string },
  {
    leaseMs = 15_000,
    graceMs = 0,
    program = new URL("./child.ts", import.meta.url),
    preload = [] as readonly string[],
    env = {} as Readonly<Record<string, string>>,
  } = {},
) {
  const built = await builtProgram(program);
  const child = spawn(
    process.execPath,
    [
      ...preload.flatMap((module) => ["--import", module]),
      built,
      url,
      schema,
      String(leaseMs),
      String(graceMs),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  let complained = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    complained += chunk;
  });
  return {
    child,
    says: (line: string) =>
      until(() => {
        if (child.exitCode !== null && !said.includes(line))
          throw new Error(`exited ${child.exitCode}: ${complained}`);
        return said.includes(`${line}\n`);
      }),
    complains: (text: string) => until(() => complained.includes(text)),
    exited: once(child, "exit"),
  };
}

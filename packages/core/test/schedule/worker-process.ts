import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { builtProgram } from "@pillion/dev-program";
import { until } from "../worker/queue.ts";

const children: ChildProcess[] = [];

/** Starts a worker process of child.ts whose clock is wrong by that much; resolves when it works. */
export async function startWorkerProcess(
  url: string,
  schema: string,
  shiftMs = 0,
): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const clock = fileURLToPath(new URL("./shifted-clock.mjs", import.meta.url));
  const program = await builtProgram(new URL("./child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", clock, program, url, schema], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, SHIFT_MS: String(shiftMs) },
  });
  children.push(child);
  let [said, complained] = ["", ""];
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    complained += chunk;
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`exited ${child.exitCode}: ${complained}`);
    return said.includes("\n");
  });
  return { child, said };
}

/** Ends those that still run. */
export async function killWorkerProcesses(): Promise<void> {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }),
  );
}

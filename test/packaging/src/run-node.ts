import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface RunResult {
  readonly exitCode: number;
  /** What it printed, on either stream. */
  readonly output: string;
}

/** Runs a program of Node's in a folder, without the environment of the test runner that runs this. */
export async function runNode(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|JEST)/.test(name),
  );
  try {
    const { stdout, stderr } = await execute(process.execPath, args, {
      cwd,
      env: { ...Object.fromEntries(own), ...env },
      maxBuffer: 1 << 26,
    });
    return { exitCode: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    if (typeof code !== "number") throw error;
    return { exitCode: code, output: stdout + stderr };
  }
}

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildTask } from "./child.ts";
import type { Context } from "./context.ts";
import { harnessName } from "./harness.ts";

/** A process of its own that has an order and jobs in an open transaction. */
export interface Child {
  /** The backend that serves its transaction. */
  readonly pid: number;
  /** Ends the process by SIGKILL, if it has not ended by itself. */
  kill(): Promise<void>;
}

export async function startChild(
  context: Context,
  task: Pick<ChildTask, "jobName" | "order" | "ending">,
): Promise<Child> {
  const { harness, place, childArguments } = context;
  const whole: ChildTask = {
    ...task,
    module: harness.module,
    harness: harnessName(harness),
    url: place.url,
    schema: place.schema,
    jobs: place.jobs,
  };
  const entry = new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./child.mjs", import.meta.url);
  const child = spawn(process.execPath, [...childArguments, fileURLToPath(entry), JSON.stringify(whole)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  context.after(kill);
  return { pid: await pidFrom(child), kill };
}

async function pidFrom(child: ChildProcess): Promise<number> {
  let said = "";
  let complaint = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  for await (const text of child.stdout!.setEncoding("utf8")) {
    said += text;
    const found = /backend (\d+)\n/.exec(said);
    if (found) return Number(found[1]);
  }
  return assert.fail(`the child process ended without a transaction: ${complaint}`);
}

/** A customer whose row somebody has locked: COMMIT of an order of this customer waits at its foreign key. */
export async function lockedCustomer(
  context: Context,
): Promise<{ customer: string; release(): Promise<void> }> {
  const customer = randomUUID();
  const { reader, place } = context;
  await reader.query(`insert into ${place.schema}.customers values ($1)`, [customer]);
  const holder = await reader.begin();
  context.after(() => holder.rollback());
  await holder.query(`select from ${place.schema}.customers where id = $1 for update`, [customer]);
  return { customer, release: () => holder.rollback() };
}

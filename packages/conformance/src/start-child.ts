import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildTask, EnqueueTask, WorkTask } from "./child.ts";
import type { Context } from "./context.ts";
import { harnessName } from "./harness.ts";

/** How long a process may take to start, which is the machine's business, and not the adapter's. */
const startMs = 120_000;

/** A process of its own, in the middle of a transaction. */
export interface Child {
  /** What it has said, line by line: which backend serves its transaction, and where it is. */
  said(line: RegExp): Promise<RegExpExecArray>;
  /** Ends the process by SIGKILL, if it has not ended by itself. */
  kill(): Promise<void>;
}

export async function startChild(
  context: Context,
  task: Pick<EnqueueTask, "jobName" | "order" | "ending"> | Pick<WorkTask, "jobName" | "work">,
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
  const said = listener(child);
  await context.within("the start of a process", said(/^started\n/m), startMs);
  return { said, kill };
}

/** Resolves with the line that matches, whether it has come already or is still to come. */
function listener(child: ChildProcess): Child["said"] {
  let said = "";
  let complaint = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return async (line) => {
    for (;;) {
      const found = line.exec(said);
      if (found) return found;
      if (child.stdout!.readableEnded)
        return assert.fail(`the child process ended and never said ${line}: ${complaint}`);
      await Promise.race([once(child.stdout!, "data"), once(child.stdout!, "end")]);
    }
  };
}

/** The backend that serves the child's only transaction. */
export async function backendOf(child: Child): Promise<number> {
  return Number((await child.said(/^backend (\d+)\n/m))[1]);
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

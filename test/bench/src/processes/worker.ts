import { setTimeout as sleep } from "node:timers/promises";
import type { Handler, Mode, SystemName } from "../arms/arm.ts";
import { systemOf } from "../arms/index.ts";
import { emit, now, serve } from "./serve.ts";
import { recordStatements, type Sent } from "./statements.ts";

/** What a worker's process is told. */
export interface WorkerSettings {
  readonly system: SystemName;
  readonly url: string;
  readonly mode: Mode;
  /** `noop` ends at once, `sleep` after `sleepMs`, `stamp` says when it was started. */
  readonly handler: "noop" | "sleep" | "stamp";
  readonly sleepMs?: number;
}

/** What it says while it works. */
export interface Progress {
  readonly done: number;
  /** When the first handler since the start was called. */
  readonly firstAt: number;
  readonly rss: number;
}
export interface Started {
  readonly i: number;
  readonly at: number;
}
/** The statements that claim: by the sequence they draw from, or by the function's name. */
const claims = /nextval\('[^']*claim'\)|\b(claim|step)\w*"?\s*\(/i;

let stop: (() => Promise<void>) | undefined;
let statements: ReturnType<typeof recordStatements> | undefined;
let done = 0;
let said = 0;
let firstAt = 0;

const handlers: Record<WorkerSettings["handler"], (settings: WorkerSettings) => Handler> = {
  noop: () => async (i) => count(i),
  sleep:
    ({ sleepMs = 5 }) =>
    async (i) => {
      if (firstAt === 0) firstAt = now();
      await sleep(sleepMs);
      count(i);
    },
  stamp: () => async (i) => {
    if (i >= 0) emit({ i, at: now() } satisfies Started);
  },
};

/** Jobs below nought are there to be in the way: nobody waits for them. */
function count(i: number): void {
  if (i < 0) return;
  if (firstAt === 0) firstAt = now();
  done++;
}

setInterval(() => {
  if (said === done) return;
  said = done;
  emit({ done, firstAt, rss: process.memoryUsage.rss() } satisfies Progress);
}, 10);

serve({
  /** Starts a worker, and counts from 0. */
  async start(settings: WorkerSettings) {
    done = said = firstAt = 0;
    const system = await systemOf(settings.system);
    stop = await system.work(settings.url, settings.mode, handlers[settings.handler](settings));
  },
  async stop() {
    await stop?.();
    stop = undefined;
    said = done;
  },
  /** From now on, what the process sends to the database is recorded. */
  async record() {
    statements = recordStatements(claims);
  },
  async statements(): Promise<number> {
    return statements!.count();
  },
  async claims(): Promise<Sent[]> {
    return statements!.matching;
  },
});

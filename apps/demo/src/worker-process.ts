import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Place } from "./shop.ts";
import type { Message } from "./worker.ts";

/** A worker that is no more need not be told anything. */
const ended = () => {};

/** A worker in a process of its own, seen from the demo. */
export class WorkerProcess {
  /** The jobs whose handler runs now, and the shop of each. */
  readonly #running = new Map<string, string>();
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #end: "running" | "stopping" | "killed" | "gone" = "running";
  /** Resolves when it takes jobs; rejects when it ends before. */
  readonly ready: Promise<void>;

  constructor(name: string, { url, queue }: Place) {
    this.#child = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), [name, url, queue]);
    this.#exited = once(this.#child, "exit").then(() => {
      if (this.#end === "running") this.#end = "gone";
    });
    let sayReady = () => {};
    this.ready = new Promise((resolve, reject) => {
      sayReady = resolve;
      this.#exited.then(() => reject(new Error(`${name} ended before it was ready.`)));
    });
    this.ready.catch(() => {});
    this.#child.on("message", (message: Message) => {
      if (message.event === "ready") return sayReady();
      if (message.event === "started") this.#running.set(message.job, message.shop);
      else this.#running.delete(message.job);
    });
  }

  /** Whether it ended though nobody told it to. */
  get failed(): boolean {
    return this.#end === "gone";
  }

  /** The shop of each job whose handler runs now. */
  get jobsOf(): readonly string[] {
    return [...this.#running.values()];
  }

  /** Lets its handlers stand still where they are, until they are released. */
  jam(): void {
    this.#child.send("jam", ended);
  }

  release(): void {
    this.#child.send("release", ended);
  }

  async kill(): Promise<void> {
    this.#end = "killed";
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async stop(): Promise<void> {
    if (this.#end === "running") this.#end = "stopping";
    this.#child.kill("SIGTERM");
    const impatient = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.#exited;
    clearTimeout(impatient);
  }
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A worker that is no more need not be told anything. */
const ended = () => {};

/**
 * A worker in a process of its own, seen from the demo. The first thing that it tells is "ready"; what else it tells
 * depends on its program.
 */
export class WorkerProcess<Told = never> {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #end: "running" | "stopping" | "killed" | "gone" = "running";
  /** Resolves when it is ready; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Rejects when it ends though nobody told it to. */
  readonly failure: Promise<never>;

  constructor(program: URL, args: readonly string[], hear: (told: Told) => void = () => {}) {
    this.#child = fork(fileURLToPath(program), args);
    this.#exited = once(this.#child, "exit").then(() => {
      if (this.#end === "running") this.#end = "gone";
    });
    this.failure = new Promise((_, reject) => {
      this.#exited.then(() => {
        if (this.failed) reject(new Error(`Worker process ${this.pid} ended by itself.`));
      });
    });
    let sayReady = () => {};
    this.ready = new Promise((resolve, reject) => {
      sayReady = resolve;
      this.#exited.then(() => reject(new Error(`Worker process ${this.pid} ended before it was ready.`)));
    });
    for (const promise of [this.ready, this.failure]) promise.catch(() => {});
    this.#child.on("message", (told) => (told === "ready" ? sayReady() : hear(told as Told)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it ended though nobody told it to. */
  get failed(): boolean {
    return this.#end === "gone";
  }

  tell(what: string): void {
    this.#child.send(what, ended);
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

import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { fileURLToPath } from "node:url";
import { bundled, type Program } from "./bundle.ts";
import type { Message } from "./serve.ts";

/** A process of the bench's own, on the same Node, with the code as npm would ship it. */
export class Child extends EventEmitter<{ event: [event: never] }> {
  #calls = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #next = 0;
  readonly #process: ChildProcess;

  static async start(program: Program): Promise<Child> {
    return new Child(await bundled(program), []);
  }

  /**
   * From its source, where a bundle would not do: the harnesses of the ORMs look for files beside themselves. Node
   * itself removes the types, and wraps nothing.
   */
  static source(file: URL): Child {
    return new Child(fileURLToPath(file), ["--experimental-transform-types", "--no-warnings"]);
  }

  private constructor(file: string, execArgv: readonly string[]) {
    super();
    this.#process = fork(file, { execArgv: [...execArgv] });
    this.#process.on("message", (message: Message) => {
      if ("event" in message) return void this.emit("event", message.event as never);
      const call = this.#calls.get(message.id)!;
      this.#calls.delete(message.id);
      if (message.error === undefined) call.resolve(message.value as never);
      else call.reject(new Error(message.error));
    });
    this.#process.once("exit", (code, signal) => {
      const error = new Error(`A process of the bench ended with ${signal ?? code}.`);
      for (const { reject } of this.#calls.values()) reject(error);
    });
  }

  call<Value>(method: string, ...args: unknown[]): Promise<Value> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve: resolve as (value: never) => void, reject });
      this.#process.send({ id, method, args });
    });
  }

  /** Ends the process, whatever it does. */
  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

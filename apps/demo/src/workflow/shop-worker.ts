import type { Place } from "../shop.ts";
import { WorkerProcess } from "../worker-process.ts";
import type { Told } from "./narrated.ts";

/** A worker that fulfils orders. It prints what it is told by its process, and calls `onFailure` where a step fails. */
export class ShopWorker extends WorkerProcess<Told> {
  constructor({ url, queue }: Place, outside: string, onFailure: () => void) {
    super(new URL("./worker.ts", import.meta.url), [url, queue, outside], (told) => {
      console.log(this.#lineOf(told));
      if (told.what === "failed") onFailure();
    });
  }

  #lineOf({ attempt, step, what, run, detail }: Told): string {
    const said = {
      ran: `ran${run === 1 ? "" : ` again, run ${run}`} → ${detail}`,
      failed: `ran and failed: ${detail}`,
      stored: "finished before: its answer is stored, its code does not run",
      came: `has come → ${detail}`,
    };
    return `  worker ${this.pid}  attempt ${attempt}  ${step.padEnd(15)}  ${said[what]}`;
  }
}

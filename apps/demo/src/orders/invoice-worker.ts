import type { Place } from "../shop.ts";
import { WorkerProcess } from "../worker-process.ts";
import type { Told } from "./worker.ts";

/** A worker that writes invoices. */
export class InvoiceWorker extends WorkerProcess<Told> {
  /** The jobs whose handler runs now, and the shop of each. */
  readonly #running: Map<string, string>;

  constructor(name: string, { url, queue }: Place) {
    const running = new Map<string, string>();
    super(new URL("./worker.ts", import.meta.url), [name, url, queue], ({ event, job, shop }) => {
      if (event === "started") running.set(job, shop);
      else running.delete(job);
    });
    this.#running = running;
  }

  /** The shop of each job whose handler runs now. */
  get jobsOf(): readonly string[] {
    return [...this.#running.values()];
  }

  /** Lets its handlers stand still where they are, until they are released. */
  jam(): void {
    this.tell("jam");
  }

  release(): void {
    this.tell("release");
  }
}

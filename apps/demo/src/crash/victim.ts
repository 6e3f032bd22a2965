import type { Place } from "../shop.ts";
import { WorkerProcess } from "../worker-process.ts";
import { moments } from "./renewal.ts";
import type { Told } from "./worker.ts";

/** The program of both workers. */
export const program = new URL("./worker.ts", import.meta.url);

/** A worker that stops at each moment with a job of each shop, to be killed there. */
export class Victim extends WorkerProcess<Told> {
  /** Resolves when it has stopped everywhere. */
  readonly stopped: Promise<void>;

  /** @param onStopped called with each shop when the jobs of this one have stopped at all moments */
  constructor(place: Place, shops: readonly string[], onStopped: (shop: string) => void) {
    const ahead = new Map(shops.map((shop) => [shop, new Set(moments)]));
    let stoppedEverywhere = () => {};
    super(program, [JSON.stringify(place), "stops", ...shops], ({ shop, moment }) => {
      ahead.get(shop)?.delete(moment);
      if (ahead.get(shop)?.size !== 0) return;
      ahead.delete(shop);
      onStopped(shop);
      if (ahead.size === 0) stoppedEverywhere();
    });
    this.stopped = new Promise((resolve) => {
      stoppedEverywhere = resolve;
    });
  }
}

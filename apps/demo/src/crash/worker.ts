import { once } from "node:events";
import { createWorker } from "@pillion/core/worker";
import type { Place, Shop } from "../shop.ts";
import { shops } from "../shops/index.ts";
import { type Moment, type Renewal, renewal, type Stops } from "./renewal.ts";
import { stoppingClient } from "./stopping-client.ts";

// A worker process: `worker.ts PLACE WHAT SHOP…`, where WHAT is "stops" for one that is to be killed, and "runs" for
// one that is not. It begins when it is told to, and tells its parent each moment at which it has stopped.
const [placeText, what, ...names] = process.argv.slice(2) as [string, string, ...string[]];
const place = JSON.parse(placeText) as Place;
process.on("disconnect", () => process.exit(1));
const tell = (message: Told | "ready") => process.send!(message);

/** What a worker process tells the demo, once it is ready: where the job of a shop has stopped. */
export interface Told {
  readonly shop: string;
  readonly moment: Moment;
}

/** The jobs whose transaction is about to end, by the server process that serves it. */
const committing = new Map<number, Renewal>();

const stopAt = async (here: Moment, { moment, order: { shop } }: Renewal): Promise<void> => {
  if (here !== moment) return;
  tell({ shop, moment });
  await new Promise(() => {});
};
const stopsIn = (shop: Shop<unknown>): Stops<unknown> => ({
  at: stopAt,
  async atCommit(tx, job) {
    committing.set(await shop.backendPid(tx), job);
  },
});
const Client = stoppingClient((backendPid) => {
  const job = committing.get(backendPid);
  return job && ((here) => stopAt(here, job));
});

const handlers = await Promise.all(
  shops
    .filter(({ name }) => names.includes(name))
    .map(async ({ name, open }) => {
      if (what === "runs") return renewal(name, await open(place));
      const shop = await open({ ...place, Client });
      return renewal(name, shop, stopsIn(shop));
    }),
);
const worker = createWorker({
  database: place.url,
  schema: place.queue,
  leaseMs: 2_000,
  pollMs: 250,
  // What is lost here is lost on purpose: what the worker says about it is no news.
  logger: process.env.PILLION_DEMO_LOG ? undefined : false,
  handlers,
});
tell("ready");
await once(process, "message");
await worker.start();

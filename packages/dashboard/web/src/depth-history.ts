import { useEffect } from "preact/hooks";
import type { QueueView } from "../../src/api.ts";
import { type DepthHistory, DepthSamples } from "./depth-samples.ts";
import type { Look } from "./look.ts";
import { storeOf } from "./store.ts";
import { stretches } from "./stretches.ts";

/** The database has no history of depth: the page keeps one of its own until it is loaded anew. */
const samples = new DepthSamples(stretches.map(([minutes]) => minutes));
const heard = storeOf(0);

/** Keeps the depth that a look sees, for whatever page of the board shows it later. */
export function useDepthOf({ data, heardAt }: Look<{ readonly queues: readonly QueueView[] }>): void {
  useEffect(() => {
    if (data === undefined || heardAt === undefined) return;
    samples.add({
      at: heardAt / 1_000,
      ready: new Map(data.queues.map(({ name, ready }) => [name, ready])),
    });
    heard.set(heardAt);
  }, [heardAt]);
}

/** What has been seen of the last minutes; undefined before the first look. */
export function useDepthHistory(minutes: number): DepthHistory | undefined {
  heard.use();
  return samples.over(minutes);
}

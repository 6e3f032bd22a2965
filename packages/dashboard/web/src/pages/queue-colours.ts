import type { QueueView } from "../../../src/api.ts";

const colours = ["--series-1", "--series-2", "--series-3", "--series-4"];

/** So many queues have a curve of their own in one chart. */
export const mostCurves = colours.length;

/** A colour for each of the queues that a chart shows: the same in every chart, unless two of them would share it. */
export function coloursOf(shown: readonly string[], queues: readonly QueueView[]): readonly string[] {
  const all = queues.map(({ name }) => name).sort();
  const free = new Set(colours);
  return shown.map((name) => {
    const own = colours[Math.max(all.indexOf(name), 0) % colours.length]!;
    const colour = free.has(own) ? own : [...free][0]!;
    free.delete(colour);
    return colour;
  });
}

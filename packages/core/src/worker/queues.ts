import { nameIssueOf } from "../job/names.ts";
import { show } from "../show.ts";
import type { WorkerQueue } from "./settings.ts";

/** Queues that are served together, by so many slots. */
export interface CrewSettings {
  readonly queues: readonly string[];
  readonly concurrency: number;
}

/** One crew for all queues without a number of their own, and one for each that has one. */
export function toCrews(
  queues: unknown,
  concurrency: number,
  refuse: (what: string) => never,
): readonly CrewSettings[] {
  if (!Array.isArray(queues) || queues.length === 0) return refuse("queues is empty.");
  const shared = new Set<string>();
  const own = new Map<string, number>();
  for (const queue of queues as (string | WorkerQueue)[]) {
    const name = typeof queue === "object" && queue !== null ? queue.name : queue;
    const issue = nameIssueOf(name);
    if (issue !== undefined) return refuse(`the queue name ${show(name)} ${issue}.`);
    if (typeof queue === "string") shared.add(name);
    else {
      for (const key of Object.keys(queue))
        if (key !== "name" && key !== "concurrency")
          return refuse(`queue "${name}" has the unknown option "${key}".`);
      if (
        !(Number.isInteger(queue.concurrency) && queue.concurrency >= 1 && queue.concurrency <= 2_147_483_647)
      )
        return refuse(
          `queue "${name}": concurrency is ${show(queue.concurrency)}, not a whole number of at least 1.`,
        );
      if (own.has(name)) return refuse(`queue "${name}" is named twice.`);
      own.set(name, queue.concurrency);
    }
  }
  for (const name of own.keys()) if (shared.has(name)) return refuse(`queue "${name}" is named twice.`);
  return [
    ...(shared.size > 0 ? [{ queues: [...shared], concurrency }] : []),
    ...[...own].map(([name, concurrency]) => ({ queues: [name], concurrency })),
  ];
}

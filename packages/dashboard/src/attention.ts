import type { QueueRecord, WorkerRecord } from "@pillion/core/admin";
import type { Attention } from "./api.ts";

/** As `pillion doctor` has it. */
const lateMs = 300_000;
const order: readonly Attention["severity"][] = ["critical", "warning", "info"];

/** What somebody should look at first, from what the overview shows anyway. */
export function attentionTo(
  queues: readonly QueueRecord[],
  workers: readonly WorkerRecord[],
): readonly Attention[] {
  const running = workers.filter(({ state }) => state === "running");
  const list = [
    ...workers.filter(({ state, running: jobs }) => state === "silent" && jobs > 0).map(silent),
    ...queues.flatMap((queue) => [
      ...unworked(queue, running),
      ...late(queue),
      ...dead(queue),
      ...paused(queue),
    ]),
  ];
  return list.sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
}

const pageOf = (page: string, parameters: Record<string, string>) =>
  `${page}?${new URLSearchParams(parameters)}`;
const counted = (count: number, more = count >= 10_000) =>
  more ? `${count.toLocaleString("en")} jobs or more` : count === 1 ? "1 job" : `${count} jobs`;
const about = (queue: string | null, worker: string | null = null) => ({ queue, worker });

function silent({ label, silentMs, running }: WorkerRecord): Attention {
  return {
    code: "WORKER_SILENT",
    severity: "critical",
    text: `Worker ${label} has not been heard of for ${Math.round(silentMs / 1_000)} s, and holds ${counted(running)}: others take them over. Look whether its process lives.`,
    ...about(null, label),
    page: "workers",
  };
}

function* unworked(queue: QueueRecord, running: readonly WorkerRecord[]): Iterable<Attention> {
  if (queue.ready === 0 || running.some(({ queues }) => queues.includes(queue.name))) return;
  yield {
    code: "NO_WORKER",
    severity: "critical",
    text: `${counted(queue.ready, queue.readyMore)} of queue "${queue.name}" wait, and no running worker looks at that queue. Start one that lists it in its queues.`,
    ...about(queue.name),
    page: "workers",
  };
}

function* late({ name, oldestReadyMs, pausedAt }: QueueRecord): Iterable<Attention> {
  if (oldestReadyMs === null || oldestReadyMs < lateMs || pausedAt !== null) return;
  yield {
    code: "QUEUE_LATE",
    severity: "critical",
    text: `The oldest job of queue "${name}" has been ready for ${Math.round(oldestReadyMs / 60_000)} min. More workers, or a higher concurrency, would catch up.`,
    ...about(name),
    page: pageOf("jobs", { queue: name, state: "ready" }),
  };
}

function* dead({ name, dead: count }: QueueRecord): Iterable<Attention> {
  if (count === 0) return;
  yield {
    code: "DEAD_JOBS",
    severity: "warning",
    text: `${counted(count)} of queue "${name}" ${count === 1 ? "is" : "are"} dead. See what went wrong, mend it, and redrive them.`,
    ...about(name),
    page: pageOf("dead", { queue: name }),
  };
}

function* paused({ name, pausedAt, ready, readyMore }: QueueRecord): Iterable<Attention> {
  if (pausedAt === null) return;
  yield {
    code: "QUEUE_PAUSED",
    severity: ready > 0 ? "warning" : "info",
    text: `Queue "${name}" is paused, and ${ready === 0 ? "nothing waits" : `${counted(ready, readyMore)} wait`}. Resume it to have its jobs started.`,
    ...about(name),
    page: "queues",
  };
}

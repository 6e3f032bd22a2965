import type { QueueView, ThroughputAnswer } from "./queues.ts";
import type { WorkerView } from "./workers.ts";

export interface Overview {
  /** The most urgent first. Empty where all is well. */
  readonly attention: readonly Attention[];
  readonly queues: readonly QueueView[];
  readonly workers: readonly Omit<WorkerView, "jobs">[];
  readonly throughput: ThroughputAnswer;
}
export interface Attention {
  readonly code: "NO_WORKER" | "QUEUE_LATE" | "WORKER_SILENT" | "DEAD_JOBS" | "QUEUE_PAUSED";
  readonly severity: "critical" | "warning" | "info";
  /** What is so, with the figures, and what to do. */
  readonly text: string;
  /** Which one it is about, where it is one. */
  readonly queue: string | null;
  readonly worker: string | null;
  /** Where to look: a page of the board, relative to the mount. */
  readonly page: string;
}

import type { Link } from "../worker/link.ts";

/** A worker, and what it does at the moment. Times are by the database's clock. */
export interface WorkerRecord {
  readonly id: string;
  /** Host and process. */
  readonly label: string;
  /** `silent`: it has not been heard of for longer than its lease, and its jobs are given to others. */
  readonly state: "running" | "silent" | "stopped";
  readonly queues: readonly string[];
  /** The types of job that it handles. */
  readonly names: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
  readonly stoppedAt: Date | null;
  /** How many jobs it holds. Of all running jobs 10,000 are looked at. */
  readonly running: number;
  /** Those that it has held longest, at most 100. */
  readonly jobs: readonly {
    readonly id: string;
    readonly name: string;
    readonly queue: string;
    readonly attempt: number;
    /** Null for what it has taken and not begun. */
    readonly startedAt: Date | null;
  }[];
}

/** Looks at workers. */
export interface WorkerVerbs {
  /** The workers that run, then those that are silent, then those that stopped within the last hour; at most 1,000. */
  workers(): Promise<readonly WorkerRecord[]>;
}

export function workerVerbs(link: Link): WorkerVerbs {
  return {
    async workers() {
      const rows = await link.run(link.engine.workers, undefined);
      return rows.map((row) => {
        const worker = JSON.parse(row.worker!);
        return {
          ...worker,
          startedAt: new Date(worker.startedAt),
          heartbeatAt: new Date(worker.heartbeatAt),
          stoppedAt: worker.stoppedAt === null ? null : new Date(worker.stoppedAt),
          jobs: worker.jobs.map((job: { startedAt: string | null }) => ({
            ...job,
            startedAt: job.startedAt === null ? null : new Date(job.startedAt),
          })),
        };
      });
    },
  };
}

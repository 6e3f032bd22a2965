import type { QueueChanged } from "../job/filter.ts";
import { queueName } from "../job/names.ts";
import type { Link } from "../worker/link.ts";
import { type QueueSettings, settingsText } from "./queue-settings.ts";

/** A queue, as it is at the moment. No count is above 10,000. */
export interface QueueRecord {
  readonly name: string;
  /** Since when no job of it is started; null where it is not paused. */
  readonly pausedAt: Date | null;
  /** At most 10,000; where more than 20 queues have ready jobs, at most 200,000 divided by the number of these queues. */
  readonly ready: number;
  /** True: more are ready than were counted. */
  readonly readyMore: boolean;
  /** Among 10,000 running jobs of all queues. */
  readonly running: number;
  /** Among the 10,000 jobs of all queues that are due next. */
  readonly scheduled: number;
  /** Among the 10,000 newest dead jobs of all queues. */
  readonly dead: number;
  /**
   * Since when the oldest of its ready jobs waits; null where none does. Of each priority the first in line is looked
   * at, and the first of each of up to 200 partition keys.
   */
  readonly oldestReadyAt: Date | null;
  /** For how long that one has waited, in milliseconds, by the database's clock. */
  readonly oldestReadyMs: number | null;
  readonly settings: Required<QueueSettings>;
}

/** The verbs on queues, committed by themselves. */
export interface QueueVerbs {
  /** Has no further job of the queue started. What runs goes on. */
  pause(queue: string): Promise<QueueChanged>;
  /** Ends a pause, and wakes the queue's workers. */
  resume(queue: string): Promise<QueueChanged>;
  /** Every queue that has settings, a living worker or jobs, by name. */
  queues(): Promise<readonly QueueRecord[]>;
  /** Settles something for a queue, for all its workers. What is undefined stays as it is; null clears it. */
  setQueue(queue: string, settings: QueueSettings): Promise<void>;
}

export function queueVerbs(link: Link): QueueVerbs {
  async function change(verb: "pause" | "resume", queue: string): Promise<QueueChanged> {
    queueName(verb, queue);
    const statement = verb === "pause" ? link.engine.pauseQueue : link.engine.resumeQueue;
    const [row] = await link.run(statement, { queue, guarded: false, pin: null });
    return { changed: (JSON.parse(row!.answer!) as QueueChanged).changed };
  }

  return {
    pause: (queue) => change("pause", queue),
    resume: (queue) => change("resume", queue),
    async queues() {
      const rows = await link.run(link.engine.queues, undefined);
      return rows.map((row) => {
        const settings = JSON.parse(row.settings ?? "{}");
        const oldest = row.oldest == null ? null : (JSON.parse(row.oldest) as { at: string; ms: number });
        return {
          name: row.name!,
          pausedAt: settings.paused_at ? new Date(settings.paused_at) : null,
          ready: Number(row.ready),
          readyMore: row.more === "true",
          running: Number(row.running),
          scheduled: Number(row.scheduled),
          dead: Number(row.dead),
          oldestReadyAt: oldest && new Date(oldest.at),
          oldestReadyMs: oldest?.ms ?? null,
          settings: toSettings(settings),
        };
      });
    },
    async setQueue(queue, settings) {
      await link.run(link.engine.setQueue, {
        queue: queueName("setQueue", queue),
        columns: settingsText(queue, settings),
      });
    },
  };
}

function toSettings(row: Readonly<Record<string, never>>): Required<QueueSettings> {
  const rate = (limit: number | undefined, perMs: number | undefined) =>
    limit && perMs ? { limit, perMs } : null;
  return {
    concurrency: row.concurrency ?? null,
    keyConcurrency: row.key_concurrency ?? null,
    rate: rate(row.rate_limit, row.rate_ms),
    keyRate: rate(row.key_rate_limit, row.key_rate_ms),
    fifo: row.fifo ?? false,
    fifoOnDead: row.fifo_on_dead ?? "continue",
    keepCompletedMs: row.keep_completed_ms ?? null,
    keepDeadMs: row.keep_dead_ms ?? null,
    keepCancelledMs: row.keep_cancelled_ms ?? null,
  };
}

import type { QueueRecord, QueueSettings as Settings, ThroughputBucket } from "@pillion/core/admin";
import type { Wire } from "./wire.ts";

export type { Rate } from "@pillion/core/admin";

/** No count is above 10,000: show 10,000 as "10,000+", and so whatever `ready` is where there are more. */
export type QueueView = Wire<QueueRecord>;
/** Null: not limited, or kept as long as by default. In answers none is undefined. */
export type QueueSettings = Required<Settings>;
export interface QueuesAnswer {
  readonly queues: readonly QueueView[];
}

/** Figures of one queue in one stretch of time. Stretches without any figure are left out. */
export type ThroughputView = Wire<ThroughputBucket>;
export interface ThroughputQuery {
  /** 1 to 1,440; default 15. */
  readonly minutes?: number | undefined;
  /** Width of a stretch, 1 to 3,600 s; by default what makes at most 60 of them. */
  readonly bucketSeconds?: number | undefined;
  /** One queue; default all. Not of the overview. */
  readonly queue?: string | undefined;
}
export interface ThroughputAnswer {
  readonly minutes: number;
  readonly bucketSeconds: number;
  readonly buckets: readonly ThroughputView[];
}

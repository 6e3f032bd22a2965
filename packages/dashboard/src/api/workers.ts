import type { WorkerRecord } from "@pillion/core/admin";
import type { Wire } from "./wire.ts";

export interface WorkersAnswer {
  /** The running ones first, then those that fell silent or stopped within the last hour; at most 1,000. */
  readonly workers: readonly WorkerView[];
}
export type WorkerView = Wire<WorkerRecord>;

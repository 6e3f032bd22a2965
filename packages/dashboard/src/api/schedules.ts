import type { ScheduleRecord } from "@pillion/core/admin";
import type { ValueView } from "./values.ts";
import type { Wire } from "./wire.ts";

export interface SchedulesQuery {
  /** Begins with the name that follows this one. */
  readonly after?: string | undefined;
}
export interface SchedulesAnswer {
  /** By name, at most 200. */
  readonly schedules: readonly ScheduleView[];
  /** The `after` of the next page; null at the end. */
  readonly next: string | null;
}

export interface ScheduleView extends Wire<Omit<ScheduleRecord, "job">> {
  readonly job: Omit<ScheduleRecord["job"], "payload" | "headers">;
}
export interface ScheduleValuesQuery {
  readonly name: string;
}
export interface ScheduleValues {
  readonly payload: ValueView;
  readonly headers: ValueView;
}

import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface ThroughputInput {
  /** Null for all. */
  readonly queue: string | null;
  readonly minutes: number;
  readonly bucketSeconds: number;
  readonly now?: string | null | undefined;
}

/** What has ended of late, by queue and time: one JSON text each. sql/0017_reading.sql says how it is found. */
export const throughput = (schema: Schema) => sql<ThroughputInput>`
select to_json(t)::text as bucket
from ${schema.throughput}(${({ queue }) => queue}::text, ${({ minutes }) => String(minutes)}::text::integer,
  ${({ bucketSeconds }) => String(bucketSeconds)}::text::integer, ${nowText}::text::timestamptz) t`;

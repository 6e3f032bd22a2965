import { sql } from "../statement.ts";
import { nowText } from "./fence.ts";
import type { Schema } from "./schema.ts";

export interface RegisterInput {
  /** Who the worker is, for people: host and process. */
  readonly label: string;
  readonly queues: readonly string[];
  readonly names: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly now?: string | null | undefined;
}

/** Makes the worker known; its id stands in every job it takes. */
export const register = (schema: Schema) => sql<RegisterInput>`
insert into ${schema.worker} (label, queues, names, concurrency, lease_ms, started_at, heartbeat_at)
select ${(input) => input.label}::text,
  array(select json_array_elements_text(${(input) => JSON.stringify(input.queues)}::text::json)),
  array(select json_array_elements_text(${(input) => JSON.stringify(input.names)}::text::json)),
  ${(input) => String(input.concurrency)}::text::integer, ${(input) => String(input.leaseMs)}::text::integer, clock.now, clock.now
from (select coalesce(${nowText}::text::timestamptz, statement_timestamp()) as now) clock
returning id::text, nonce::text, (date_part('epoch', started_at) * 1000)::text as now`;

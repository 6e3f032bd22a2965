import {
  integer,
  jsonb,
  type ManualViewBuilder,
  pgSchema,
  smallint,
  text,
  timestamp,
} from "drizzle-orm/pg-core";

// Said by what drizzle-orm's functions answer, and not by the names of their types, which 0.45 and 1.0 do not share.
type State = ReturnType<
  typeof text<
    "scheduled" | "ready" | "running" | "completed" | "dead" | "cancelled",
    ["scheduled", "ready", "running", "completed", "dead", "cancelled"]
  >
>;
type Text = ReturnType<typeof text<string, [string, ...string[]]>>;
type Integer = ReturnType<typeof integer>;
type SmallInteger = ReturnType<typeof smallint>;
type Json = ReturnType<typeof jsonb>;
type Time = ReturnType<typeof timestamp<"date">>;

/** The columns of `pillion.jobs`. Ids are text, as everywhere in Pillion. */
export type JobsColumns = {
  id: ReturnType<Text["notNull"]>;
  name: ReturnType<Text["notNull"]>;
  version: ReturnType<Integer["notNull"]>;
  queue: ReturnType<Text["notNull"]>;
  state: ReturnType<State["notNull"]>;
  payload: ReturnType<Json["notNull"]>;
  headers: Json;
  uniqueKey: Text;
  partitionKey: Text;
  parentId: Text;
  priority: ReturnType<SmallInteger["notNull"]>;
  enqueuedAt: ReturnType<Time["notNull"]>;
  runAt: ReturnType<Time["notNull"]>;
  startedAt: Time;
  finishedAt: Time;
  attempt: ReturnType<Integer["notNull"]>;
  maxAttempts: Integer;
  error: Text;
  result: Json;
};

/** The view of a schema's jobs, for queries. */
export type JobsView = ReturnType<ManualViewBuilder<"jobs", JobsColumns>["existing"]>;

/**
 * `pillion.jobs` for Drizzle's query builder: one row for each job, wherever it is, to be joined with the application's
 * own rows by `id`. drizzle-kit neither creates nor drops it.
 *
 * @param schema which Pillion lives in, where it is not `pillion`
 */
export function jobsView(schema = "pillion"): JobsView {
  const states = ["scheduled", "ready", "running", "completed", "dead", "cancelled"] as const;
  const time = (name: string) => timestamp(name, { withTimezone: true });
  const columns = {
    id: text("id").notNull(),
    name: text("name").notNull(),
    version: integer("version").notNull(),
    queue: text("queue").notNull(),
    state: text("state", { enum: states }).notNull(),
    payload: jsonb("payload").notNull(),
    headers: jsonb("headers"),
    uniqueKey: text("unique_key"),
    partitionKey: text("partition_key"),
    parentId: text("parent_id"),
    priority: smallint("priority").notNull(),
    enqueuedAt: time("enqueued_at").notNull(),
    runAt: time("run_at").notNull(),
    startedAt: time("started_at"),
    finishedAt: time("finished_at"),
    attempt: integer("attempt").notNull(),
    maxAttempts: integer("max_attempts"),
    error: text("error"),
    result: jsonb("result"),
  };
  return pgSchema(schema).view("jobs", columns).existing() as unknown as JobsView;
}

import type { Pool } from "pg";
import { pgConnection } from "../adapter/pg-connection.ts";
import type { Session } from "../database.ts";
import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import type { Around, Handler } from "../handler/handler.ts";
import type { Subscription } from "../job/topic.ts";
import { isJobType } from "../job/type.ts";
import type { ScheduleRow } from "../postgres/set-schedules.ts";
import { toScheduleRow } from "../schedule/row.ts";
import { type Schedule, scheduleIssueOf } from "../schedule/schedule.ts";
import { show } from "../show.ts";
import { type DatabaseOption, isPool, openSession } from "./connect.ts";
import { Hooks } from "./hooks.ts";
import { type Logger, silentLogger, stderrLogger } from "./logger.ts";
import { type CrewSettings, toCrews } from "./queues.ts";

/** What a worker runs, how much of it at a time, and on which database. */
export interface WorkerOptions {
  /** A connection URL, a pg Pool, or `database(client)` of an adapter. */
  readonly database: DatabaseOption;
  /** What this worker runs. It takes no job of another name or version. */
  readonly handlers: readonly Handler[];
  /**
   * What is enqueued again and again. Stored when the worker starts; any worker fires them, and those that others have
   * stored. What is no longer listed here goes on until `admin.schedules.remove`.
   */
  readonly schedules?: readonly Schedule[] | undefined;
  /**
   * Which job types each publication of a topic makes jobs of: `[subscribe(orderPlaced, sendInvoice)]`. Stored when the
   * worker starts; what is no longer listed here lasts until `admin.unsubscribe`.
   */
  readonly subscriptions?: readonly Subscription[] | undefined;
  /**
   * The queues it takes jobs from; by default those that its handlers' job types name. One with a `concurrency` of its
   * own is served beside the others, and never waits for their jobs to end.
   */
  readonly queues?: readonly (string | WorkerQueue)[] | undefined;
  /** How many jobs it runs at the same time, of queues that have no number of their own; default 250. */
  readonly concurrency?: number | undefined;
  /** The database schema of the queue; default `pillion`. */
  readonly schema?: string | undefined;
  /** How long it may be silent, in milliseconds, before another worker takes its jobs; default 15,000. */
  readonly leaseMs?: number | undefined;
  /** How often it looks for jobs when nothing wakes it, in milliseconds; default 1,200. */
  readonly pollMs?: number | undefined;
  /**
   * What the worker's own connection is opened with, on which it sends its heartbeat and hears of commits: a URL, or a
   * pg Pool that has the settings for it (none of its connections is taken). It must lead to the server itself. `false`
   * for none: to beat through `database`, and to rely on polling. By default what `database` is opened with, where that
   * can be told.
   */
  readonly listen?: string | Pool | false | undefined;
  /** Runs around each call of a handler: for a trace, a request's context, the bindings of a log. */
  readonly around?: Around | undefined;
  /** Where it says what fails; stderr by default, `false` for nowhere. */
  readonly logger?: Logger | false | undefined;
}

/** A queue of a worker that has slots of its own. */
export interface WorkerQueue {
  readonly name: string;
  /** How many of its jobs this worker runs at the same time. For a limit over all workers: `admin.setQueue`. */
  readonly concurrency: number;
}

export interface WorkerSettings {
  readonly handlers: readonly Handler[];
  readonly schedules: readonly (ScheduleRow | Promise<ScheduleRow>)[];
  readonly subscriptions: readonly Subscription[];
  readonly crews: readonly CrewSettings[];
  readonly schema: string;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly around: Around | undefined;
  readonly hooks: Hooks;
  readonly logger: Logger;
  readonly openSession: (() => Promise<Session>) | undefined;
}

const known = [
  "database",
  "handlers",
  "schedules",
  "subscriptions",
  "queues",
  "concurrency",
  "schema",
  "leaseMs",
  "pollMs",
  "listen",
  "around",
  "logger",
];

/** @throws InvalidConfigurationError naming the option that cannot work */
export function toSettings(options: WorkerOptions): Omit<WorkerSettings, "openSession"> {
  const refuse = (what: string): never => {
    throw new InvalidConfigurationError(`createWorker: ${what}`);
  };
  if (typeof options !== "object" || options === null)
    return refuse("pass one object: { database, handlers, … }.");
  for (const key of Object.keys(options)) if (!known.includes(key)) refuse(`unknown option "${key}".`);
  const { handlers, concurrency, leaseMs, pollMs, logger } = options;
  if (!Array.isArray(handlers) || handlers.length === 0)
    return refuse("handlers is empty. Pass handle(jobType, fn).");
  const seen = new Set<string>();
  for (const handler of handlers as Handler[]) {
    if (typeof handler?.run !== "function")
      return refuse("a handler is not what handle(jobType, fn) returned.");
    const { name, version } = handler.jobType;
    if (seen.has(`${name}@${version}`)) return refuse(`job "${name}" version ${version} has two handlers.`);
    seen.add(`${name}@${version}`);
  }
  const integer = (field: string, value: number | undefined, fallback: number, least: number): number => {
    if (value === undefined) return fallback;
    if (!(Number.isInteger(value) && value >= least && value <= 2_147_483_647))
      refuse(`${field} is ${String(value)}, not a whole number of at least ${least}.`);
    return value;
  };
  const { listen, around } = options;
  if (around !== undefined && typeof around !== "function")
    refuse(`around is ${show(around)}, not a function.`);
  if (listen !== undefined && listen !== false && typeof listen !== "string" && !isPool(listen))
    refuse("listen is neither a URL nor a pg Pool, nor false.");
  const queues = options.queues ?? [...new Set((handlers as Handler[]).map(({ jobType }) => jobType.queue))];
  const log = logger === false ? silentLogger : (logger ?? stderrLogger);
  return {
    handlers,
    schedules: toScheduleRows(options.schedules ?? [], refuse),
    subscriptions: checkSubscriptions(options.subscriptions ?? [], refuse),
    crews: toCrews(queues, integer("concurrency", concurrency, defaults.concurrency, 1), refuse),
    schema: options.schema ?? defaults.schema,
    leaseMs: integer("leaseMs", leaseMs, defaults.leaseMs, 50),
    pollMs: integer("pollMs", pollMs, defaults.pollMs, 1),
    around,
    hooks: new Hooks(log),
    logger: log,
  };
}

function checkSubscriptions(subscriptions: readonly Subscription[], refuse: (what: string) => never) {
  if (!Array.isArray(subscriptions) || subscriptions.some((one) => !isJobType(one?.jobType)))
    return refuse("subscriptions is not an array of what subscribe(topic, jobType) returned.");
  return subscriptions as readonly Subscription[];
}

function toScheduleRows(schedules: readonly Schedule[], refuse: (what: string) => never) {
  if (!Array.isArray(schedules)) return refuse("schedules is not an array. Pass [schedule({ … })].");
  const seen = new Set<string>();
  return schedules.map((schedule: Schedule) => {
    const issue = scheduleIssueOf(schedule);
    if (issue !== undefined) refuse(issue);
    if (seen.has(schedule.name)) refuse(`there are two schedules "${schedule.name}".`);
    seen.add(schedule.name);
    const row = toScheduleRow(schedule);
    // A payload that is refused asynchronously is start's to report.
    if ("then" in row) row.catch(() => {});
    return row;
  });
}

/** How the worker gets a connection to listen on, if at all. */
export function sessionOf(
  listen: WorkerOptions["listen"],
  own: (() => Promise<Session>) | undefined,
  waitMs: number,
): (() => Promise<Session>) | undefined {
  if (listen === false) return undefined;
  // Whoever names a way for it vouches for it: a pooler in session mode will do.
  if (listen !== undefined)
    return async () => {
      const settings = isPool(listen) ? pgConnection(listen)! : { options: { connectionString: listen } };
      const { process: _, ...session } = await openSession(settings, { waitMs });
      return session;
    };
  return own;
}

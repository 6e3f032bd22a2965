import { limits } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { isPlainObject } from "../json.ts";
import { show } from "../show.ts";

/** So many starts within any stretch of time of that length. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
}

/** What is settled for a queue, over all its workers. Null clears a setting, undefined leaves it as it is. */
export interface QueueSettings {
  /** How many of its jobs run at the same time; at least 1. */
  readonly concurrency?: number | null | undefined;
  /** How many jobs of one partition key run at the same time; at least 1. */
  readonly keyConcurrency?: number | null | undefined;
  /** How many of its jobs start in a stretch of time. */
  readonly rate?: Rate | null | undefined;
  /** How many jobs of one partition key start in a stretch of time. */
  readonly keyRate?: Rate | null | undefined;
  /** The jobs of one partition key run one after the other, in the order of their enqueue; default false. */
  readonly fifo?: boolean | null | undefined;
  /** Whether a dead job holds up the jobs of its key behind it; default `continue`. */
  readonly fifoOnDead?: "continue" | "block" | null | undefined;
  /** How long completed jobs can be asked about, in milliseconds. */
  readonly keepCompletedMs?: number | null | undefined;
  /** The same of dead jobs. */
  readonly keepDeadMs?: number | null | undefined;
  /** The same of cancelled jobs. */
  readonly keepCancelledMs?: number | null | undefined;
}

/** By setting: its columns, where the value is right; a sentence where it is not. */
type Column = (value: never) => Record<string, unknown> | string;

const number =
  (column: string, least: number, most: number): Column =>
  (value) =>
    value === null || (Number.isInteger(value) && value >= least && value <= most)
      ? { [column]: value }
      : `${show(value)}, not a whole number from ${least} to ${most}`;
const oneOf =
  (column: string, ...words: readonly unknown[]): Column =>
  (value) =>
    value === null || words.includes(value)
      ? { [column]: value }
      : `${show(value)}, none of ${words.join(", ")}`;
const rate =
  (column: string): Column =>
  (value: unknown) => {
    if (value === null) return { [`${column}_limit`]: null, [`${column}_ms`]: null };
    const wanted = "{ limit, perMs }, two whole numbers of at least 1";
    if (typeof value !== "object" || !isPlainObject(value)) return `${show(value)}, not ${wanted}`;
    const { limit, perMs, ...rest } = value as Partial<Rate>;
    const right = [limit, perMs].every((part) => Number.isInteger(part) && part! >= 1 && part! <= integer);
    return right && Object.keys(rest).length === 0
      ? { [`${column}_limit`]: limit, [`${column}_ms`]: perMs }
      : `not ${wanted}`;
  };

const integer = 2_147_483_647;
const columns: Readonly<Record<keyof QueueSettings, Column>> = {
  concurrency: number("concurrency", 1, integer),
  keyConcurrency: number("key_concurrency", 1, integer),
  rate: rate("rate"),
  keyRate: rate("key_rate"),
  fifo: oneOf("fifo", true, false),
  fifoOnDead: oneOf("fifo_on_dead", "continue", "block"),
  keepCompletedMs: number("keep_completed_ms", 0, limits.keepMs),
  keepDeadMs: number("keep_dead_ms", 0, limits.keepMs),
  keepCancelledMs: number("keep_cancelled_ms", 0, limits.keepMs),
};

/** The columns to write, as JSON text. @throws InvalidConfigurationError naming the queue */
export function settingsText(queue: string, settings: QueueSettings): string {
  const refuse = (issue: string): never => {
    throw new InvalidConfigurationError(`setQueue of queue "${queue}": ${issue}. Nothing was changed.`);
  };
  if (typeof settings !== "object" || settings === null || !isPlainObject(settings))
    refuse(`got ${show(settings)}, not an object of settings`);
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(columns, name))
      refuse(`unknown setting ${JSON.stringify(name)}. Known: ${Object.keys(columns).join(", ")}`);
    if (value === undefined) continue;
    const column = columns[name as keyof QueueSettings](value as never);
    if (typeof column === "string") refuse(`${name} is ${column}`);
    else Object.assign(row, column);
  }
  return JSON.stringify(row);
}

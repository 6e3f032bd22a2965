import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { show } from "../show.ts";
import type { SetLocal } from "./set-local.ts";

/** What `configure` binds the verbs to. */
export interface Settings {
  /** The database schema that holds the queue's tables; default `pillion`. */
  readonly schema?: string | undefined;
  /** The largest payload, in bytes of its JSON text; default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined;
  /**
   * Settings of Postgres for each transaction that `transactional`, `job.commit` and `job.stepTx` open, made from the job:
   * `(job) => ({ "app.tenant": tenantOf(job) })`, for policies of row level security. They are set by the first statement
   * in it, one more than without, and end with it. A job for which one of them is undefined is dead at once.
   */
  readonly setLocal?: SetLocal | undefined;
}

const known = ["schema", "maxPayloadBytes", "setLocal"];

/** @throws InvalidConfigurationError */
export function checkSettings(settings: Settings): {
  schema: string;
  maxPayloadBytes: number;
  setLocal: SetLocal | undefined;
} {
  for (const key of Object.keys(settings))
    if (!known.includes(key))
      throw new InvalidConfigurationError(`configure: unknown setting "${key}". Known: ${known.join(", ")}.`);
  const { setLocal, schema = defaults.schema, maxPayloadBytes = defaults.maxPayloadBytes } = settings;
  if (!(Number.isInteger(maxPayloadBytes) && maxPayloadBytes >= 1 && maxPayloadBytes <= 64 * 1_048_576))
    throw new InvalidConfigurationError(
      `configure: maxPayloadBytes is ${String(maxPayloadBytes)}, not a whole number of bytes from 1 to 67108864.`,
    );
  if (setLocal !== undefined && typeof setLocal !== "function")
    throw new InvalidConfigurationError(
      `configure: setLocal is ${show(setLocal)}, not a function of a job: (job) => ({ "app.tenant": … }).`,
    );
  return { schema, maxPayloadBytes, setLocal };
}

import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";

/** What `configure` binds the verbs to. */
export interface Settings {
  /** The database schema that holds the queue's tables; default `pillion`. */
  readonly schema?: string | undefined;
  /** The largest payload, in bytes of its JSON text; default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined;
}

/** @throws InvalidConfigurationError */
export function checkSettings(settings: Settings): { schema: string; maxPayloadBytes: number } {
  for (const key of Object.keys(settings))
    if (key !== "schema" && key !== "maxPayloadBytes")
      throw new InvalidConfigurationError(
        `configure: unknown setting "${key}". Known: schema, maxPayloadBytes.`,
      );
  const { schema = defaults.schema, maxPayloadBytes = defaults.maxPayloadBytes } = settings;
  if (!(Number.isInteger(maxPayloadBytes) && maxPayloadBytes >= 1 && maxPayloadBytes <= 64 * 1_048_576))
    throw new InvalidConfigurationError(
      `configure: maxPayloadBytes is ${String(maxPayloadBytes)}, not a whole number of bytes from 1 to 67108864.`,
    );
  return { schema, maxPayloadBytes };
}

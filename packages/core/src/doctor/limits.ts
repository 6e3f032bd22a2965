import { InvalidConfigurationError } from "../errors.ts";
import { show } from "../show.ts";

/** From where on something is a finding. */
export const diagnoseDefaults = {
  /** Milliseconds that a transaction may keep vacuum from removing rows. */
  heldMs: 60_000,
  /** The same in transactions, for replication slots and standbys, which tell no time. */
  heldTransactions: 1_000_000,
  /** Milliseconds that a connection may be idle in a transaction. */
  idleMs: 60_000,
  /** Dead rows in one of the queue's tables. */
  deadRows: 100_000,
  /** Bytes of one of the queue's tables or indexes that hold nothing. */
  bloatBytes: 64 * 1_048_576,
  /** Milliseconds between this machine's clock and the database's. */
  skewMs: 1_000,
  /** Milliseconds that a job may wait after its time has come. */
  oldestMs: 300_000,
  /** Milliseconds that one statement of the diagnosis may take. */
  statementMs: 5_000,
} as const;

/** From where on something is a finding; what is not named is as in `diagnoseDefaults`. */
export type DiagnoseLimits = Readonly<Record<keyof typeof diagnoseDefaults, number>>;

/** @throws InvalidConfigurationError for what is no whole number of at least 0 */
export function limitsOf(
  given: {
    readonly [Name in keyof DiagnoseLimits]?: number | undefined;
  },
): DiagnoseLimits {
  const limits: Record<string, number> = { ...diagnoseDefaults };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!(name in diagnoseDefaults))
      throw new InvalidConfigurationError(`diagnose: there is no limit ${show(name)}.`);
    const least = name === "statementMs" ? 1 : 0;
    if (!(Number.isSafeInteger(value) && value >= least && value <= 2_147_483_647))
      throw new InvalidConfigurationError(
        `diagnose: ${name} is ${show(value)}, not a whole number from ${least} to 2147483647.`,
      );
    limits[name] = value;
  }
  return limits as DiagnoseLimits;
}

import { defaults } from "../../defaults.ts";
import { InvalidConfigurationError } from "../../errors.ts";
import { nameIssueOf } from "../../job/names.ts";
import { isJobType, type JobType } from "../../job/type.ts";
import { show } from "../../show.ts";
import type { DatabaseOption } from "../connect.ts";
import { type Logger, silentLogger, stderrLogger } from "../logger.ts";
import type { AnyJobType } from "./held-job.ts";

/** What a claimer takes, and from which database. */
export interface ClaimerOptions<Type extends AnyJobType = AnyJobType> {
  /** A connection URL, a pg Pool, or `database(client)` of an adapter. */
  readonly database: DatabaseOption;
  /** What it claims. It takes no job of another name or version. */
  readonly jobTypes: readonly Type[];
  /** The queues it claims from; by default those that its job types name. */
  readonly queues?: readonly string[] | undefined;
  /** The database schema of the queue; default `pillion`. */
  readonly schema?: string | undefined;
  /** How long after a `claim` or an `extend` others take what it holds, in milliseconds; default 15,000. */
  readonly leaseMs?: number | undefined;
  /** Where it says what fails; stderr by default, `false` for nowhere. */
  readonly logger?: Logger | false | undefined;
}

export interface ClaimerSettings {
  readonly jobTypes: readonly JobType[];
  readonly queues: readonly string[];
  readonly schema: string;
  readonly leaseMs: number;
  readonly logger: Logger;
}

const known = ["database", "jobTypes", "queues", "schema", "leaseMs", "logger"];

/** @throws InvalidConfigurationError naming the option that cannot work */
export function toClaimerSettings(options: ClaimerOptions): ClaimerSettings {
  const refuse = (what: string): never => {
    throw new InvalidConfigurationError(`createClaimer: ${what}`);
  };
  if (typeof options !== "object" || options === null)
    return refuse("pass one object: { database, jobTypes, … }.");
  for (const key of Object.keys(options)) if (!known.includes(key)) refuse(`unknown option "${key}".`);
  const { jobTypes, leaseMs = defaults.leaseMs, schema = defaults.schema, logger } = options;
  if (!Array.isArray(jobTypes) || jobTypes.length === 0)
    return refuse("jobTypes is empty. Pass what defineJob returned.");
  const seen = new Set<string>();
  for (const jobType of jobTypes as unknown[]) {
    if (!isJobType(jobType))
      return refuse(`among jobTypes is ${show(jobType)}, which defineJob did not return.`);
    const { name, version } = jobType;
    if (seen.has(`${name}@${version}`)) refuse(`job "${name}" version ${version} stands twice in jobTypes.`);
    seen.add(`${name}@${version}`);
  }
  const queues = options.queues ?? [...new Set(jobTypes.map(({ queue }) => queue))];
  if (!Array.isArray(queues) || queues.length === 0) return refuse("queues is empty.");
  queues.forEach((queue: unknown, index) => {
    const issue = nameIssueOf(queue);
    if (issue !== undefined) refuse(`the queue name ${show(queue)} ${issue}.`);
    if (queues.indexOf(queue) !== index) refuse(`queue ${show(queue)} is named twice.`);
  });
  if (!(Number.isInteger(leaseMs) && leaseMs >= 50 && leaseMs <= 2_147_483_647))
    refuse(`leaseMs is ${show(leaseMs)}, not a whole number of at least 50.`);
  return {
    jobTypes: jobTypes as unknown as readonly JobType[],
    queues: queues as readonly string[],
    schema,
    leaseMs,
    logger: logger === false ? silentLogger : (logger ?? stderrLogger),
  };
}

import { InvalidConfigurationError } from "../errors.ts";
import { textIssueOf, utf8Bytes } from "../json.ts";

/** The queue's objects in one schema, quoted, for use in statements. */
export type Schema = ReturnType<typeof schemaOf>;

/** @throws InvalidConfigurationError for a name that Postgres, or the migrations' text, cannot carry */
export function schemaOf(name: string) {
  if (
    typeof name !== "string" ||
    name === "" ||
    utf8Bytes(name) > 63 ||
    textIssueOf(name) ||
    /['\\]/.test(name)
  )
    throw new InvalidConfigurationError(
      `The schema name ${JSON.stringify(name)} cannot be used: 1 to 63 bytes, without quotes ' and backslashes.`,
    );
  const quoted = name === "pillion" ? name : `"${name.replaceAll('"', '""')}"`;
  const object = (table: string) => `${quoted}.${table}`;
  return {
    name,
    quoted,
    job: object("job"),
    jobState: object("job_state"),
    archive: object("archive"),
    attempt: object("attempt"),
    uniqueKey: object("unique_key"),
    attempts: object("attempts"),
    worker: object("worker"),
    migration: object("migration"),
    position: `'${object("position")}'`,
    claim: `'${object("claim")}'`,
    enqueueOne: object("enqueue_one"),
    enqueueKeyed: object("enqueue_keyed"),
    wake: object("wake"),
  };
}

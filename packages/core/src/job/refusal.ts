import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidJobError, type PayloadIssue } from "../errors.ts";
import type { JobType } from "./type.ts";

/** Types that stand for a topic, in the words of an error. */
export const topics = new WeakSet<object>();
/** The same for an event. */
export const events = new WeakSet<object>();

/** The error of a job that is not taken: which one, of which batch, and why. */
export function refusal(
  type: JobType,
  index: number | undefined,
  what: string,
  issues: readonly PayloadIssue[] = [],
  cause?: unknown,
): InvalidJobError {
  return new InvalidJobError(`${nameOf(type, index)}: ${what}.`, type.name, issues, cause);
}

export const nameOf = (type: JobType, index: number | undefined) =>
  `${topics.has(type) ? "Topic" : events.has(type) ? "Event" : "Job"} "${type.name}"${inBatch(index)}`;

/** The same of a type with a codec: whatever tells why may quote what is secret, a property's name too. */
export function withheld(type: JobType, index: number | undefined, what: string): InvalidJobError {
  return refusal(
    type,
    index,
    `${what}. What is wrong with it is not said here, for its type has a codec, and that may quote what is secret. Validate ` +
      "it with the type's schema, to see",
  );
}

export const inBatch = (index: number | undefined) =>
  index === undefined ? "" : ` at index ${index} of the batch`;

export function schemaThrew(type: JobType, index: number | undefined, error: unknown): InvalidJobError {
  if (type.codec) return withheld(type, index, "its schema threw");
  return refusal(type, index, `its schema threw: ${messageOf(error)}`, [], error);
}

export function invalidPayload(
  type: JobType,
  index: number | undefined,
  found: readonly StandardSchemaV1.Issue[],
): InvalidJobError {
  if (type.codec) return withheld(type, index, `its payload is not valid (${issuesIn(found)})`);
  const issues = found.map(({ message, path = [] }) => ({
    message,
    path: path.map((segment) => (typeof segment === "object" ? segment.key : segment)),
  }));
  const said = issues.map(({ message, path }) => `${place("payload", path)}: ${message}`).join("; ");
  return refusal(type, index, `its payload is not valid: ${said}`, issues);
}

export const issuesIn = ({ length }: readonly unknown[]) => (length === 1 ? "1 issue" : `${length} issues`);

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Where in the value: `payload.lines[2]["a b"]`, cut short where it is long. */
export function place(what: string, path: readonly PropertyKey[]): string {
  const shown = path.length > 8 ? path.slice(0, 8) : path;
  const text = shown.reduce<string>(
    (text, key) =>
      text +
      (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)
        ? `.${key}`
        : `[${typeof key === "symbol" ? String(key) : JSON.stringify(key)}]`),
    what,
  );
  return shown === path ? text : `${text}…`;
}

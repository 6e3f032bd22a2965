import { limits } from "../defaults.ts";
import { InvalidRequestError } from "../errors.ts";
import { textIssueOf, utf8Bytes } from "../json.ts";
import { show } from "../show.ts";

/** Says what is wrong with a job or queue name, if anything. */
export function nameIssueOf(value: unknown): string | undefined {
  return shortTextIssueOf(value, limits.nameBytes);
}

/** Says what is wrong with a text that must be 1 to `most` bytes, if anything. */
export function shortTextIssueOf(value: unknown, most: number): string | undefined {
  if (typeof value !== "string") return `is ${show(value)}, not a text`;
  if (value === "") return "is empty";
  const issue = textIssueOf(value);
  if (issue !== undefined) return issue;
  const bytes = utf8Bytes(value);
  return bytes > most ? `has ${bytes} bytes; at most ${most} are allowed` : undefined;
}

/** The queue's name. @throws InvalidRequestError naming the verb */
export function queueName(verb: string, queue: unknown): string {
  const issue = nameIssueOf(queue);
  if (issue !== undefined)
    throw new InvalidRequestError(
      `${verb}: the queue's name ${issue}. It is a text of 1 to ${limits.nameBytes} bytes. Nothing was sent to the database.`,
    );
  return queue as string;
}

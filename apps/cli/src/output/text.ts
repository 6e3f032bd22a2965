import { styleText } from "node:util";
import ms, { type StringValue } from "ms";

type Style = Parameters<typeof styleText>[0];

/** Coloured where stdout is a terminal, and NO_COLOR is not set. */
export const styled = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const number = (value: number): string => value.toLocaleString("en-US");

/** `1 job`, `2 jobs`. */
export const jobs = (count: number, kind = ""): string =>
  `${number(count)} ${kind && `${kind} `}${count === 1 ? "job" : "jobs"}`;

/** To the second, in UTC. */
export const time = (date: Date | null): string =>
  date === null ? "-" : `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;

/** In the largest unit, `5m`. */
export const duration = (milliseconds: number): string => ms(Math.max(0, Math.round(milliseconds)));

/** Milliseconds of `10m`; undefined where it is none. */
export function milliseconds(text: string): number | undefined {
  if (!/^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(text)) return undefined;
  return ms(text as StringValue);
}

/**
 * Text of a job, of which anybody may have been the author, on one line: what moves the cursor, or colours, is shown as an
 * escape.
 */
export function line(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === "\n" ? "\\n" : `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/** The same, of several lines. */
export const lines = (text: string): string => text.split(/\r?\n/).map(line).join("\n");

export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

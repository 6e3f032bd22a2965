import { defineJob, InvalidDefinitionError, type JobDefinition, type } from "@pillion/core";
import { expect, test } from "vitest";
import { z } from "zod";

const payload = type<unknown>();
const of = 'The definition of job "mail.send"';
const attempts = "not a whole number from 1 to 2147483647";

const refused: [definition: unknown, message: string][] = [
  [undefined, "defineJob takes one object: { name, payload, … }."],
  ["mail.send", "defineJob takes one object: { name, payload, … }."],
  [{ payload }, "The name of a job is undefined, not a text."],
  [{ name: 7, payload }, "The name of a job is 7, not a text."],
  [{ name: "", payload }, "The name of a job is empty."],
  [{ name: "é".repeat(65), payload }, "The name of a job has 130 bytes; at most 128 are allowed."],
  [
    { name: "a\u0000", payload },
    "The name of a job contains the character U+0000, which Postgres cannot store.",
  ],
  [
    { name: "\ud800", payload },
    "The name of a job contains half of a surrogate pair, which UTF-8 cannot carry.",
  ],
  [
    { name: "mail.send" },
    `${of}: payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`,
  ],
  [
    { name: "mail.send", payload: {} },
    `${of}: payload is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`,
  ],
  [
    { name: "mail.send", payload, result: {} },
    `${of}: result is not a Standard Schema. Pass one (Zod, Valibot, ArkType …), or type<T>().`,
  ],
  [
    { name: "mail.send", payload: z.object({ at: z.date() }) },
    `${of}: its payload is stored as JSON, and the schema's input is not: Date cannot be represented in JSON Schema`,
  ],
  [{ name: "mail.send", payload, timeout: 1 }, `${of} has the unknown option "timeout".`],
  [{ name: "mail.send", payload, queue: "" }, `${of}: its queue is empty.`],
  [{ name: "mail.send", payload, version: 0 }, `${of}: version is 0, ${attempts}.`],
  [{ name: "mail.send", payload, priority: 9 }, `${of}: priority is 9, not a whole number from -4 to 4.`],
  [{ name: "mail.send", payload, maxAttempts: 0 }, `${of}: maxAttempts is 0, ${attempts}.`],
  [{ name: "mail.send", payload, maxAttempts: "3" }, `${of}: maxAttempts is "3", ${attempts}.`],
  [{ name: "mail.send", payload, timeoutMs: 0.5 }, `${of}: timeoutMs is 0.5, ${attempts}.`],
  [{ name: "mail.send", payload, retry: "never" }, `${of}: retry is not a function of an error.`],
  [
    { name: "mail.send", payload, backoff: "fixed" },
    `${of}: backoff.type is undefined, not "fixed" or "exponential".`,
  ],
  [
    { name: "mail.send", payload, backoff: { type: "linear" } },
    `${of}: backoff.type is "linear", not "fixed" or "exponential".`,
  ],
  [{ name: "mail.send", payload, backoff: { type: "fixed" } }, `${of}: backoff.delayMs is missing.`],
  [
    { name: "mail.send", payload, backoff: { type: "fixed", delayMs: -1 } },
    `${of}: backoff.delayMs is -1, not a number from 0 to 100000000000000.`,
  ],
  [
    { name: "mail.send", payload, backoff: { type: "exponential", jitter: 2 } },
    `${of}: backoff.jitter is 2, not a number from 0 to 1.`,
  ],
  [
    { name: "mail.send", payload, backoff: { type: "exponential", factor: 0.5 } },
    `${of}: backoff.factor is 0.5, not a number from 1 to 1000.`,
  ],
];

test.each(refused.map(([definition, message]) => [message, definition]))(
  "a job type that cannot work is refused where it is defined: %s",
  (message, definition) => {
    const define = () => defineJob(definition as JobDefinition<typeof payload, typeof payload>);
    expect(define).toThrow(InvalidDefinitionError);
    expect(define).toThrow(expect.objectContaining({ code: "INVALID_DEFINITION", message }));
  },
);

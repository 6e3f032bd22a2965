import { isEncrypted } from "@pillion/core";
import type { JobRecord, JobSummary } from "@pillion/core/admin";
import { line, styled } from "./text.ts";

/** What applications put into a job and get out of it: shown only where it is asked for. */
export const payloadOption = [
  "--payload",
  "show payloads and results too: they may hold what not everybody should see",
] as const;

/** A payload, or a result: which key reads it, where it is stored encrypted. */
export function contentText(value: unknown): string {
  return isEncrypted(value)
    ? styled("yellow", `encrypted with key ${line(value["pillion.key"])}`)
    : line(JSON.stringify(value));
}

/** A job for a script, without what was not asked for: what its steps and children answered is that too. */
export function shapeOf(job: JobSummary | JobRecord, payload: true | undefined): unknown {
  if (payload) return job;
  const { payload: _, result: __, ...rest } = job;
  if (!("steps" in rest)) return rest;
  return { ...rest, steps: rest.steps.map(({ result: _, ...step }) => step) };
}

const colours = {
  scheduled: "blue",
  ready: "cyan",
  running: "yellow",
  completed: "green",
  dead: "red",
  cancelled: "gray",
} as const;

export const stateText = (state: JobSummary["state"]): string => styled(colours[state], state);

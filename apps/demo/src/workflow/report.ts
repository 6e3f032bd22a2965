import type { JobRecord } from "@pillion/core/admin";
import Table from "cli-table3";
import type { StepAudit } from "./audit.ts";

const plain = { head: [], border: [], compact: true };

/** The steps of the story, and those among them whose code it lets run more than once. */
const steps = ["reserve", "charge", "invoice", "mail"];
const interrupted = ["charge", "invoice"];

const mark = (count: number, wanted: number) => (count === wanted ? `${count}` : `${count} !`);

/** What each step did, as text. */
export function tableOf(audits: readonly StepAudit[]): string {
  const table = new Table({
    head: [
      "step",
      "its code ran in attempt",
      "ran after it had\nfinished (must be 0)",
      "left behind\n(must be 1)",
      "calls to\nothers",
    ],
    colAligns: ["left", "left", "right", "right", "right"],
    style: plain,
  });
  for (const { step, runs, ranAfterEnd, effects, calls } of audits)
    table.push([step, runs.join(", "), mark(ranAfterEnd, 0), mark(effects, 1), calls ?? ""]);
  return table.toString();
}

/** What Pillion has on record of the job, as text. */
export function attemptsOf({ attempts }: JobRecord): string {
  const table = new Table({
    head: ["attempt", "worker", "ended", "error"],
    colWidths: [null, null, null, 60],
    wordWrap: true,
    style: plain,
  });
  for (const { attempt, worker, outcome, error } of attempts)
    table.push([attempt, worker, outcome, error?.message ?? ""]);
  return table.toString();
}

/** Whether each step has finished, left one thing behind, and never run again; and the story has interrupted two. */
export function holds(audits: readonly StepAudit[]): boolean {
  return (
    audits.map(({ step }) => step).join() === steps.join() &&
    audits.every(
      ({ step, runs, ranAfterEnd, effects }) =>
        ranAfterEnd === 0 && effects === 1 && runs.length > (interrupted.includes(step) ? 1 : 0),
    )
  );
}

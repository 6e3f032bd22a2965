import { resultContext } from "../../codec/context.ts";
import { unseal } from "../../codec/seal.ts";
import { sayingNothing } from "../../codec/tellable.ts";
import { defaults } from "../../defaults.ts";
import { ChildFailedError, type ChildFailure, InvalidResultError } from "../../errors.ts";
import { issuesIn } from "../../job/refusal.ts";
import { isJob, toRow } from "../../job/row.ts";
import type { Job } from "../../job/type.ts";
import { rowText } from "../../postgres/row-text.ts";
import { show } from "../../show.ts";
import type { Attempt } from "./attempt.ts";

/** Enqueues children once, and waits for their results without a slot. @throws ChildFailedError, InvalidStepError */
export async function runChildren(attempt: Attempt, children: Job | readonly Job[]): Promise<unknown> {
  const { steps, ledger } = attempt;
  const jobs = Array.isArray(children) ? (children as readonly Job[]) : [children as Job];
  for (const job of jobs) {
    if (!isJob(job))
      throw steps.invalid(
        "run",
        `got ${show(job)} where a job is wanted. Make one by calling a job type: job.run(chargeCard({ orderId: 1 }))`,
      );
    if (job.options.uniqueKey !== undefined)
      throw steps.invalid(
        job.type.name,
        "runs a child with a uniqueKey: it could be another's job. A child is enqueued once as it is",
      );
  }
  const name = [...new Set(jobs.map(({ type }) => type.name))].sort().join("+").slice(0, 100) || "nothing";
  const results = (await steps.wait(
    "run",
    `run ${name}`,
    async (step) => {
      const rows = await Promise.all(
        jobs.map(async (job) => {
          const text = rowText(await toRow(job, defaults.maxPayloadBytes), false);
          return `${text.slice(0, -1)},"parent":${attempt.id}}`;
        }),
      );
      await ledger.wait(step, { jobs: `[${rows.join(",")}]` });
    },
    ({ failures }) => {
      if (failures) throw failed(attempt, failures as readonly ChildFailure[]);
    },
  )) as readonly unknown[];
  if (results.length !== jobs.length)
    throw steps.changed(
      `"run ${name}" has ${jobs.length} children, and had ${results.length} in an earlier attempt`,
    );
  const checked = await Promise.all(results.map((result, index) => resultOf(attempt, jobs[index]!, result)));
  return Array.isArray(children) ? checked : checked[0];
}

async function resultOf(attempt: Attempt, { type }: Job, result: unknown): Promise<unknown> {
  const what = `${attempt}: the result of its child "${type.name}"`;
  let stored: unknown;
  try {
    stored =
      result == null ? undefined : await unseal(type.codec, resultContext(type), result, what, attempt.name);
  } catch (error) {
    throw sayingNothing(error as Error);
  }
  if (type.resultSchema === undefined) return stored;
  const validated = await type.resultSchema["~standard"].validate(stored);
  if (!validated.issues) return validated.value;
  if (type.codec)
    throw new InvalidResultError(
      `${what} is not valid (${issuesIn(validated.issues)}, which are not told, for they may quote what is secret)`,
      attempt.name,
      [],
    );
  throw new InvalidResultError(
    `${what} is not valid: ${validated.issues.map(({ message }) => message).join("; ")}`,
    attempt.name,
    validated.issues.map(({ message }) => ({ message, path: [] })),
  );
}

function failed(attempt: Attempt, failures: readonly ChildFailure[]): ChildFailedError {
  const [first, ...others] = failures;
  const why = first!.error ? `: ${first!.error.name}: ${first!.error.message}` : "";
  return new ChildFailedError(
    `${attempt}: its child ${first!.id} "${first!.name}" ended ${first!.state}${why}${others.length > 0 ? `, and ${others.length} others did not complete either` : ""}`,
    attempt.name,
    failures,
  );
}

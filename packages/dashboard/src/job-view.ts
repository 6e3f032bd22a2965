import type { ErrorRecord, JobRecord, JobSummary } from "@pillion/core/admin";
import type { ErrorView, JobAnswer, JobValues, JobView, StepView } from "./api.ts";
import { optionalView, valueView } from "./value-view.ts";

/** An error, cut to what a page can hold. */
export function errorView(error: ErrorRecord | null): ErrorView | null {
  if (error === null) return null;
  const { name, message, stack, code } = error;
  return {
    name: String(name).slice(0, 200),
    message: String(message).slice(0, 10_000),
    ...(stack !== undefined && { stack: String(stack).slice(0, 20_000) }),
    ...(code !== undefined && { code: String(code).slice(0, 200) }),
  };
}

/** Named one by one: what a job has besides, today or some day, is not shown by accident. */
export function jobView(job: JobSummary): JobView {
  return {
    id: job.id,
    name: job.name,
    version: job.version,
    queue: job.queue,
    state: job.state,
    priority: job.priority,
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    createdAt: job.createdAt.toISOString(),
    runAt: job.runAt.toISOString(),
    startBefore: job.startBefore?.toISOString() ?? null,
    cancelledAt: job.cancelledAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
    uniqueKey: job.uniqueKey,
    partitionKey: job.partitionKey,
    parent: job.parent,
    error: errorView(job.error),
  };
}

export function jobAnswer(job: JobRecord): JobAnswer {
  return {
    job: jobView(job),
    attempts: job.attempts.map(({ attempt, worker, startedAt, finishedAt, outcome, error }) => ({
      attempt,
      worker,
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
      outcome,
      error: errorView(error),
    })),
    steps: job.steps.map(
      (step): StepView => ({
        position: step.position,
        name: step.name,
        kind: step.kind,
        state: step.state,
        error: errorView(step.error),
        startedAt: step.startedAt.toISOString(),
        finishedAt: step.finishedAt?.toISOString() ?? null,
        until: step.until?.toISOString() ?? null,
        event: step.event,
        children: step.children,
      }),
    ),
    children: job.children.map(({ id, name, state }) => ({ id, name, state })),
  };
}

export function jobValues(job: JobRecord): JobValues {
  return {
    payload: valueView(job.payload),
    headers: optionalView(job.headers),
    result: optionalView(job.result),
    steps: job.steps.map(({ position, result }) => ({ position, result: optionalView(result) })),
  };
}

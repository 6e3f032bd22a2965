import { type Meter, metrics } from "@opentelemetry/api";
import type { AttemptInfo, EndedAttempt, Worker, WorkerEvents } from "@pillion/core/worker";
import { instrumentation, ofQueue, processing } from "./attributes.ts";

/** Where the figures go. */
export interface MeasureOptions {
  /** Default: one of the global provider. */
  readonly meter?: Meter | undefined;
}

const outcomes = [
  "completed",
  "failed",
  "dead",
  "cancelled",
  "snoozed",
  "released",
  "lost",
] as const satisfies readonly (keyof WorkerEvents)[];

/**
 * Records what a worker does, by queue and job name: `messaging.client.consumed.messages` (attempts that began),
 * `messaging.process.duration` (seconds that handlers ran), `pillion.job.wait.duration` (seconds from the time at which a
 * job could start to its handler's call) and `pillion.attempts` (those that ended, by `pillion.outcome`, as the job's
 * record names them).
 *
 * @returns a function that ends it
 */
export function measureWorker(
  worker: Worker,
  { meter = metrics.getMeter(instrumentation) }: MeasureOptions = {},
): () => void {
  const run = meter.createHistogram("messaging.process.duration", {
    unit: "s",
    description: "How long handlers ran.",
    advice: { explicitBucketBoundaries: seconds },
  });
  const wait = meter.createHistogram("pillion.job.wait.duration", {
    unit: "s",
    description: "How long jobs that could start waited for their handlers.",
    advice: { explicitBucketBoundaries: seconds },
  });
  const begun = meter.createCounter("messaging.client.consumed.messages", {
    unit: "{message}",
    description: "Attempts that began.",
  });
  const attempts = meter.createCounter("pillion.attempts", {
    unit: "{attempt}",
    description: "Attempts that ended, by their outcome.",
  });
  const attributesOf = ({ queue, name }: AttemptInfo) => ({ ...ofQueue(queue), "pillion.job.name": name });
  const ends = outcomes.map((outcome) =>
    worker.on(outcome, (attempt: AttemptInfo & Partial<Pick<EndedAttempt, "runMs">>) => {
      const attributes = attributesOf(attempt);
      attempts.add(1, { ...attributes, "pillion.outcome": outcome });
      const error = "error" in attempt ? { "error.type": (attempt.error as Error).name } : {};
      if (attempt.runMs !== undefined)
        run.record(attempt.runMs / 1_000, { ...attributes, ...processing, ...error });
    }),
  );
  ends.push(
    worker.on("started", (attempt) => {
      const attributes = attributesOf(attempt);
      wait.record(attempt.waitMs / 1_000, attributes);
      begun.add(1, { ...attributes, ...processing });
    }),
  );
  return () => {
    for (const end of ends) end();
  };
}

/** Those that the conventions want for durations of messaging, and further up: jobs may be long. */
const seconds = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 1_800, 7_200,
];

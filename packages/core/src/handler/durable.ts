import type { Event } from "../job/event.ts";
import type { Job } from "../job/type.ts";
import type { StepKind } from "../postgres/steps.ts";
import type { ActiveJob } from "./handler.ts";

/** A job whose handler goes in steps: what one has come to is stored, and a later attempt goes on behind it. */
export interface DurableJob<Payload = unknown> extends ActiveJob<Payload> {
  /**
   * A key for calls to other systems that take one (`Idempotency-Key`): the same in every attempt of this job, another
   * for each name. A UUID.
   */
  key(name: string): string;
  /**
   * Runs `fn` and stores what it answers; in later attempts of the job that answer is given again, and `fn` does not
   * run. The answer is what JSON carries, for the first caller too; `undefined` stays `undefined`. `fn` runs at least
   * once: a worker that dies before the answer is stored leaves it to be run again. For effects in the database that
   * happen exactly once there is `stepTx`; for calls to others, pass `job.key(name)` along.
   *
   * Steps come one after the other, or are started together (`Promise.all`); they do not nest. A step in a loop is told
   * from the one before by its number. `name`: 1 to 128 bytes; a later attempt must find the same names in the same
   * order.
   *
   * @throws whatever `fn` throws: the step is run again by the next attempt. Where the handler catches it and goes on to
   *   another step, the failure is stored, and later attempts get a StepFailedError at once
   * @throws StepsChangedError where an earlier attempt had another step at this place
   * @throws InvalidStepError for a bad name, a step within a step, an answer that JSON cannot carry or that is too large
   */
  step<Answer>(name: string, fn: () => Answer | Promise<Answer>): Promise<Answer>;
  /**
   * Waits for so many milliseconds, without a slot, a connection or a worker: the job is put off, and goes on behind this
   * line when the time has come, on any worker. No attempt is used. Code behind `finally` does not run meanwhile.
   */
  sleep(ms: number): Promise<void>;
  /** The same until a time, by the database's clock. One that has passed is no wait. */
  sleepUntil(time: Date): Promise<void>;
  /**
   * Waits for an event as `sleep` waits for a time, and answers its payload, as the schema's output. An event that was
   * emitted before counts, for as long as it is kept.
   *
   * @throws EventTimeoutError where it has not happened within `timeoutMs`; without that it waits for ever
   */
  waitForEvent<Output>(
    // biome-ignore lint/suspicious/noExplicitAny: the emitter's type, which whoever waits does not need
    event: Event<any, Output>,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<Output>;
  /**
   * Enqueues another job as this job's child, once, and waits for its result as `sleep` waits for a time. A child is
   * cancelled with its parent. An array of jobs runs side by side; their results come in its order.
   *
   * @throws ChildFailedError where one ends dead or cancelled: when all have ended. Uncaught, the next attempt looks again
   *   what has become of them
   */
  run<Result>(child: Job<unknown, unknown, Result>): Promise<Result>;
  run<const Children extends readonly Job[]>(
    children: Children,
  ): Promise<{ -readonly [Index in keyof Children]: ResultOf<Children[Index]> }>;
}

/** What a job leaves, where its type names a `result`. */
export type ResultOf<T> = T extends Job<infer _Input, infer _Output, infer Result> ? Result : never;

/** The steps of an attempt, for whoever runs one inside a transaction of the application. */
export interface OpenSteps {
  /** Runs a step, or answers what it has come to. `perform` runs it and records it, and answers what it recorded. */
  run<Answer>(name: unknown, perform: (step: OpenStep) => Promise<Answer>): Promise<Answer>;
  /** To be called before the job is completed. @throws where a step is under way, or was not reached */
  checkEnd(): void;
  /** No step may begin from now on: why, to be read after `step "charge" began`. */
  close(why: string): void;
}

/** A step that is under way. */
export interface OpenStep {
  readonly kind: StepKind;
  readonly position: number;
  /** With its number, where it is not the first of its name. */
  readonly name: string;
  /** How long ago it began, in milliseconds. */
  tookMs(): number;
  /** An answer as JSON text; null for undefined. @throws InvalidStepError for one that cannot be stored */
  answerText(answer: unknown): string | null;
}

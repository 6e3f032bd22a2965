import { createHash } from "node:crypto";
import { limits } from "../../defaults.ts";
import type { DurableJob } from "../../handler/durable.ts";
import { Snooze } from "../../handler/snooze.ts";
import type { Event } from "../../job/event.ts";
import type { Job } from "../../job/type.ts";
import { show } from "../../show.ts";
import type { Attempt } from "./attempt.ts";
import { runChildren } from "./run-children.ts";
import { waitForEvent } from "./wait-for-event.ts";

/** What a handler is given of its attempt. */
export class RunningJob implements DurableJob {
  readonly #attempt: Attempt;
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;

  constructor(
    attempt: Attempt,
    readonly payload: unknown,
  ) {
    this.#attempt = attempt;
    this.id = attempt.id;
    this.name = attempt.name;
    this.queue = attempt.job.queue;
    this.attempt = attempt.number;
    this.maxAttempts = attempt.maxAttempts;
  }

  get headers(): Readonly<Record<string, unknown>> {
    return this.#attempt.job.more?.headers ?? {};
  }

  get partitionKey(): string | undefined {
    return this.#attempt.job.more?.partitionKey ?? undefined;
  }

  get encrypted(): boolean {
    return this.#attempt.handler.jobType.codec !== undefined;
  }

  get createdAt(): Date {
    return new Date(this.#attempt.job.createdAt);
  }

  get runAt(): Date {
    return new Date(this.#attempt.job.more?.runAt ?? this.#attempt.job.createdAt);
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  snooze({ delayMs }: { readonly delayMs: number }): Snooze {
    return new Snooze(delayMs);
  }

  key(name: string): string {
    if (typeof name !== "string" || name === "")
      throw this.#attempt.steps.invalid(name, "has no key: its name is not a text");
    // By the time of its enqueue too: ids are counted in each database from 1.
    const hash = createHash("sha256").update(
      JSON.stringify([this.id, this.#attempt.job.createdAt, this.name, name]),
    );
    const hex = hash.digest("hex");
    // The form of a UUID, version 8.
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  async step<Answer>(name: string, fn: () => Answer | Promise<Answer>): Promise<Answer> {
    const { steps, ledger } = this.#attempt;
    return steps.run(name, async (step) => {
      if (typeof fn !== "function") throw steps.invalid(name, "got no function to run");
      const text = step.answerText(await fn());
      await ledger.record(step, await this.#attempt.storedAnswer(step.name, text), null);
      return text === null ? undefined : JSON.parse(text);
    });
  }

  async sleep(ms: number): Promise<void> {
    const { steps, ledger } = this.#attempt;
    if (!(typeof ms === "number" && ms >= 0 && ms <= limits.durationMs))
      throw steps.invalid(
        "sleep",
        `got ${show(ms)}, not a number of milliseconds from 0 to ${limits.durationMs}`,
      );
    await steps.wait(
      "sleep",
      "sleep",
      (step) => ledger.wait(step, { untilMs: ms }),
      () => {},
    );
  }

  async sleepUntil(time: Date): Promise<void> {
    const { steps, ledger } = this.#attempt;
    if (!(time instanceof Date && Number.isFinite(time.getTime())))
      throw steps.invalid("sleep", `got ${show(time)}, not a Date`);
    await steps.wait(
      "sleep",
      "sleep",
      (step) => ledger.wait(step, { until: time }),
      () => {},
    );
  }

  waitForEvent<Output>(
    // biome-ignore lint/suspicious/noExplicitAny: the emitter's type
    event: Event<any, Output>,
    options: { readonly timeoutMs?: number | undefined } = {},
  ): Promise<Output> {
    return waitForEvent(this.#attempt, event as Event, options) as Promise<Output>;
  }

  // biome-ignore lint/suspicious/noExplicitAny: one job, or many: the interface says which answer belongs to which
  run(children: any): Promise<any> {
    return runChildren(this.#attempt, children as Job | readonly Job[]);
  }
}

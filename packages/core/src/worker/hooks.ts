import { InvalidRequestError } from "../errors.ts";
import type { StoredError } from "../postgres/discard.ts";
import { show } from "../show.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { type Outcome, recorded, type Written } from "./attempt/outcome.ts";
import { type Logger, oneLine } from "./logger.ts";

/** One attempt, as listeners are told of it: without the payload, so that it may be logged. */
export interface AttemptInfo {
  /** The job's id. */
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** 1 in the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly partitionKey: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** From the time at which it could have started to that of its handler's call, in milliseconds by the database's clock. */
  readonly waitMs: number;
}

/** An attempt that has ended. */
export interface EndedAttempt extends AttemptInfo {
  /** How long its handler ran, in milliseconds. */
  readonly runMs: number;
}

/**
 * What a worker tells of its attempts. But for `started`, each is told once it is written in the database, under the name
 * that the job's record gives to that outcome.
 */
export interface WorkerEvents {
  /** Its handler is about to be called. */
  readonly started: AttemptInfo;
  readonly completed: EndedAttempt;
  /** It is tried again, in `retryMs` milliseconds. */
  readonly failed: EndedAttempt & { readonly error: StoredError; readonly retryMs: number };
  /** It failed, and there is no next attempt. */
  readonly dead: EndedAttempt & { readonly error: StoredError };
  /** Its job was cancelled, or came too late for its `startBefore`. */
  readonly cancelled: EndedAttempt;
  /** It was put off, by `job.snooze` or because it waits in a step. */
  readonly snoozed: EndedAttempt & { readonly delayMs: number };
  /** It did not end before the worker did: another worker starts the job anew. */
  readonly released: AttemptInfo;
  /** Another worker has its job by now: what came of it here was not written. */
  readonly lost: AttemptInfo;
}

type Listener = (event: never) => void;

/** Tells listeners what becomes of attempts. */
export class Hooks {
  readonly #listeners = new Map<keyof WorkerEvents, Set<Listener>>();
  #databaseAheadMs = 0;

  constructor(private readonly logger: Logger) {}

  /** @throws InvalidRequestError for an event that there is not */
  on<Name extends keyof WorkerEvents>(name: Name, listener: (event: WorkerEvents[Name]) => void): () => void {
    if (!names.includes(name))
      throw new InvalidRequestError(
        `worker.on: there is no event ${show(name)}. Known: ${names.join(", ")}.`,
      );
    if (typeof listener !== "function")
      throw new InvalidRequestError(`worker.on("${name}") got ${show(listener)}, not a function.`);
    const listeners = this.#listeners.get(name) ?? new Set();
    const own: Listener = (event) => listener(event as never);
    this.#listeners.set(name, listeners.add(own));
    return () => {
      // An event that nobody listens to any more costs no attempt anything.
      if (listeners.delete(own) && listeners.size === 0) this.#listeners.delete(name);
    };
  }

  /** Waits are told by the database's clock: its milliseconds since 1970, as it has just answered. */
  setClock(databaseMs: number): void {
    this.#databaseAheadMs = databaseMs - performance.now();
  }

  started(attempt: Attempt): void {
    if (this.#listeners.has("started")) this.#tell("started", this.#infoOf(attempt));
  }

  written(attempt: Attempt, outcome: Outcome, written: Written): void {
    if (written === "unknown") return;
    const name = written === "lost" ? "lost" : recorded[outcome.verb];
    if (!this.#listeners.has(name)) return;
    const info = this.#infoOf(attempt);
    if (name === "lost" || name === "released") {
      this.#tell(name, info);
      return;
    }
    const endedAt = attempt.endedAt ?? performance.now();
    const ended = { ...info, runMs: endedAt - (attempt.startedAt ?? endedAt) };
    if (outcome.verb === "retry")
      this.#tell("failed", { ...ended, error: outcome.error, retryMs: outcome.delayMs });
    else if (outcome.verb === "discard") this.#tell("dead", { ...ended, error: outcome.error });
    else if (outcome.verb === "snooze") this.#tell("snoozed", { ...ended, delayMs: outcome.delayMs });
    else if (name === "completed" || name === "cancelled") this.#tell(name, ended);
  }

  #infoOf(attempt: Attempt): AttemptInfo {
    const { id, name, number, maxAttempts, job } = attempt;
    const startedAt = (attempt.startedAt ?? performance.now()) + this.#databaseAheadMs;
    return {
      id,
      name,
      queue: job.queue,
      attempt: number,
      maxAttempts,
      partitionKey: job.more?.partitionKey ?? undefined,
      headers: job.more?.headers ?? {},
      waitMs: Math.max(0, startedAt - Math.max(job.createdAt, job.more?.runAt ?? 0)),
    };
  }

  /** A listener's error is the application's: the worker goes on. */
  #tell<Name extends keyof WorkerEvents>(name: Name, event: WorkerEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? [])
      try {
        listener(event as never);
      } catch (error) {
        this.logger.error(
          `a listener to "${name}" of job ${event.id} "${event.name}" threw: ${oneLine(error)}`,
        );
      }
  }
}

const names: readonly (keyof WorkerEvents)[] = [
  "started",
  "completed",
  "failed",
  "dead",
  "cancelled",
  "snoozed",
  "released",
  "lost",
];

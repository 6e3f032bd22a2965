import type { OpenStep, OpenSteps } from "./durable.ts";

/** An attempt, for whoever completes it in a transaction of the application. */
export interface OpenAttempt {
  readonly id: string;
  readonly claim: string;
  /** Which attempt of its job it is. */
  readonly number: number;
  /** How many milliseconds after the claim its handler started. */
  readonly startedMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** True from the moment its completion is sent, until that fails. */
  completing: boolean;
  readonly steps: OpenSteps;
  /** What a result is stored as, JSON text; null where none is. @throws TypeError for what JSON cannot carry */
  storedResult(result: unknown): Promise<string | null>;
  /** What an answer of a step is stored as, given its JSON text. @throws CodecError */
  storedAnswer(step: string, text: string | null): Promise<string | null>;
  /** Its completion has been committed: whatever the handler does from now on changes nothing. */
  committed(): void;
  /** Another worker has the job. Aborts the signal, and answers the error to throw. */
  loseLease(): Error;
  /** `job 12 "mail.send" (attempt 2 of 8)` */
  toString(): string;
  /**
   * Set in a test, which runs its jobs in its own transaction: runs `fn` in that one, in place of a transaction of the
   * handler's client, and completes the attempt. `orm` is the name of the handler's.
   */
  commitHere?<Result>(orm: string, fn: (tx: never) => Result | Promise<Result>): Promise<Result>;
  /** The same for a step: runs `fn` and records what it answers. */
  stepHere?<Answer>(
    orm: string,
    step: OpenStep,
    fn: (tx: never) => Answer | Promise<Answer>,
  ): Promise<Answer>;
}

/** The client in whose transactions a handler completes its attempts itself. */
export interface Effects {
  /** The ORM's name, for messages. */
  readonly name: string;
  /** Handlers of one client and schema are proven to see the worker's jobs once. */
  readonly client: object;
  /** The schema of the jobs that it completes. */
  readonly schema: string;
  /** Whether a worker, known by its id and its nonce, is to be seen through this client. */
  sees(worker: string, nonce: string): Promise<boolean>;
}

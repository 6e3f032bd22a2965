import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { defineJob, type JobType, type } from "@pillion/core";
import type { Verbs } from "@pillion/core/adapter";
import type { TestVerbs } from "@pillion/core/testing";
import type { Connection, ConnectOptions, Harness, OpenOptions, Order } from "./harness.ts";
import type { Place } from "./place.ts";
import type { Reader } from "./reader.ts";
import type { Wire } from "./wire.ts";

/** A job type that takes any payload. */
export type AnyJob = JobType<unknown, unknown>;

/** A transaction that a case holds open while it does something else. */
export interface OpenTransaction {
  readonly tx: object;
  /** The backend that serves it. */
  readonly pid: number;
  /** Rejects with what COMMIT was refused with. */
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** What a case is given. Its client and its wire are its own while it runs; all else is shared. */
export interface Context {
  readonly harness: Harness;
  /** The adapter, bound to the run's schema of jobs. */
  readonly verbs: Verbs<object, object>;
  /** The adapter's verbs for tests of applications, bound to the same. */
  readonly testing: TestVerbs<object>;
  readonly place: Place;
  readonly reader: Reader;
  /** A client with a pool of six. */
  connection(): Promise<Connection<object, object>>;
  /** The same, through a wire that counts. */
  wired(): Promise<{ connection: Connection<object, object>; wire: Wire }>;
  /** A client for this case alone. */
  connect(options?: Partial<ConnectOptions>): Promise<Connection<object, object>>;
  /** A job type that no other case knows. */
  jobType(name?: string): AnyJob;
  order(changed?: Partial<Order>): Order;
  /** Opens a transaction and leaves it open: rolled back after the case, if the case has not ended it. */
  open(connection: Connection<object, object>, options?: OpenOptions): Promise<OpenTransaction>;
  /** Runs once the case is over, last first. */
  after(release: () => unknown): void;
  /** The promise's outcome, or the case's failure if it takes for ever; `limitMs` is the run's patience. */
  within<T>(what: string, promise: Promise<T>, limitMs?: number): Promise<T>;
  /** For the report: what this server or ORM could not be asked to do. */
  note(text: string): void;
  readonly childArguments: readonly string[];
}

export type ContextParts = Pick<
  Context,
  "harness" | "place" | "connection" | "wired" | "note" | "childArguments"
> & { readonly patienceMs: number };

/** @returns the context of one case, and how to end it */
export function makeContext(parts: ContextParts): { context: Context; end(): Promise<void> } {
  const { harness, place, patienceMs, ...shared } = parts;
  const releases: (() => unknown)[] = [];
  const context: Context = {
    ...shared,
    harness,
    place,
    reader: place.reader,
    verbs: harness.adapter.configure({ schema: place.jobs }),
    testing: harness.testing.configure({ schema: place.jobs }),
    async connect(options = {}) {
      const connection = await harness.connect({
        url: place.url,
        schema: place.schema,
        poolSize: 6,
        ...options,
      });
      releases.push(() => connection.close());
      return connection;
    },
    jobType: (name = `conformance.${randomUUID()}`) => defineJob({ name, payload: type<unknown>() }),
    order: (changed) => ({ id: randomUUID(), total: 1, customer: null, ...changed }),
    async open(connection, options) {
      const open = await openTransaction(harness, connection, options);
      releases.push(() => open.rollback().catch(() => {}));
      return open;
    },
    after: (release) => void releases.push(release),
    async within(what, promise, limitMs = patienceMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        const message = `${what} has not ended after ${limitMs} ms`;
        timer = setTimeout(() => reject(new assert.AssertionError({ message })), limitMs);
      });
      try {
        return await Promise.race([promise, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
  return {
    context,
    async end() {
      for (const release of releases.reverse()) await release();
    },
  };
}

class Rollback extends Error {}

async function openTransaction(
  harness: Harness,
  connection: Connection<object, object>,
  options?: OpenOptions,
): Promise<OpenTransaction> {
  const verdict = deferred<void>();
  const started = deferred<{ tx: object; pid: number }>();
  const over = connection.transaction(async (tx) => {
    started.resolve({ tx, pid: await pidOf(harness, tx) });
    await verdict.promise;
  }, options);
  over.catch(started.reject);
  return {
    ...(await started.promise),
    commit() {
      verdict.resolve();
      return over;
    },
    async rollback() {
      verdict.reject(new Rollback());
      await over.catch(() => {});
    },
  };
}

/** A promise that somebody else settles. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** The backend that serves a transaction. */
export async function pidOf(harness: Harness, tx: object): Promise<number> {
  const [row] = await harness.execute(tx, "select pg_backend_pid() as pid");
  return Number(row!.pid);
}

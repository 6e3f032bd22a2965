import type { Pool, PoolClient } from "pg";

/** A queue system that the benches drive; all of them in the same way, each in a database of its own. */
export interface System {
  readonly name: SystemName;
  /** What it is told in each mode that it knows, for people. */
  readonly modes: Readonly<Partial<Record<Mode, string>>>;
  /** Creates its tables in an empty database. */
  prepare(url: string): Promise<void>;
  /** Removes all jobs, and what became of them. */
  clean(pool: Pool): Promise<void>;
  /** Whether a worker holds a job whose end it has not written. */
  holds(pool: Pool): Promise<boolean>;
  /** In a process that puts jobs in. */
  produce(url: string, mode: Mode): Promise<Producer>;
  /** In a worker's process: runs the handler for each job until the answer is called. */
  work(url: string, mode: Mode, handler: Handler): Promise<() => Promise<void>>;
}

export type SystemName = "pillion" | "graphile-worker" | "pg-boss";

/**
 * `default`: nothing is set. `best`: what its documentation, or a try, found to be the fastest. `polling`: the default
 * without LISTEN. `beside`: the best, looking too at the queue where a scene puts what stands beside the jobs.
 */
export type Mode = "default" | "best" | "polling" | "beside";

/** What a job does; it is given the number in the payload. */
export type Handler = (i: number) => Promise<void>;

export interface Producer {
  /** One job, in the transaction that the client has open. */
  one(client: PoolClient, i: number): Promise<void>;
  /** Many jobs, by the system's own call for many, in the transaction that the client has open. */
  many(client: PoolClient, is: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

import type { Enqueued, Job, JobType } from "@pillion/core";
import type { ActiveJob, Handler } from "@pillion/core/worker";
import type { Client } from "pg";

export interface Order {
  readonly id: number;
  /** Which ORM placed it. */
  readonly shop: string;
  readonly customer: number;
  /** In cents; the database refuses less than one. */
  readonly total: number;
}

/** Where a shop keeps its rows, and where the queue keeps its jobs: two schemas of one database. */
export interface Place {
  /** Its `search_path` is the shop's schema. */
  readonly url: string;
  readonly schema: string;
  readonly queue: string;
  /** What the shop's connections are, where they are something special. */
  readonly Client?: typeof Client | undefined;
}

/** A shop that does its business through one ORM. `Tx` is what that ORM calls a transaction. */
export interface Shop<Tx> {
  transaction(work: (tx: Tx) => Promise<void>): Promise<unknown>;
  /** Runs `work` under a savepoint, rolls back to it when `work` throws, and passes the error on. */
  savepoint(tx: Tx, work: (tx: Tx) => Promise<void>): Promise<unknown>;
  /** Sends a ROLLBACK of which the ORM takes no notice: it believes that the transaction is still open. */
  rollbackByHand(tx: Tx): Promise<unknown>;
  insertOrder(tx: Tx, order: Order): Promise<unknown>;
  enqueue(tx: Tx, job: Job): Promise<Enqueued>;
  /** What runs jobs in this ORM's transactions: Pillion's `transactional`, of the shop's client. */
  transactional<Payload>(
    jobType: JobType<Payload, Payload>,
    run: (tx: Tx, job: ActiveJob<Payload>) => Promise<void>,
  ): Handler;
  /** The server process behind the transaction's connection: what the demo kills. */
  backendPid(tx: Tx): Promise<number>;
  close(): Promise<unknown>;
}

/** How a shop opens: one for each ORM. */
export interface ShopKind {
  /** The ORM's. */
  readonly name: string;
  open(place: Place): Promise<Shop<unknown>>;
}

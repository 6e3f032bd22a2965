import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Mode, Producer, SystemName } from "../arms/arm.ts";
import { systemOf } from "../arms/index.ts";
import { now, serve } from "./serve.ts";

let pool: pg.Pool;
let producer: Producer;
let flow: Promise<void> | undefined;
let flowing = false;

/** Runs the act in a transaction; answers when its COMMIT was sent. */
async function transaction(act: (client: pg.PoolClient) => Promise<void>, holdMs = 0): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("insert into business default values");
    await act(client);
    if (holdMs > 0) await sleep(holdMs);
    const at = now();
    await client.query("commit");
    return at;
  } finally {
    client.release();
  }
}

serve({
  async open(system: SystemName, url: string, mode: Mode) {
    pool = new pg.Pool({ connectionString: url, max: 40 });
    await pool.query("create table if not exists business (id bigint generated always as identity)");
    producer = await (await systemOf(system)).produce(url, mode);
  },
  /** One job; answers when COMMIT was sent, `holdMs` after the enqueue. */
  async one(i: number, holdMs: number) {
    return transaction((client) => producer.one(client, i), holdMs);
  },
  /** Many jobs in one transaction. */
  async many(count: number) {
    await transaction((client) => producer.many(client, range(count, 0)));
  },
  /**
   * Puts jobs in at a rate, a batch each `everyMs`, until `stopFlow`; late batches are made up for. Their numbers are
   * below nought: nobody waits for these jobs one by one.
   */
  async startFlow(perSecond: number, everyMs: number) {
    flowing = true;
    const start = now();
    let sent = 0;
    flow = (async () => {
      while (flowing) {
        const due = Math.floor(((now() - start) / 1_000) * perSecond) - sent;
        if (due > 0) {
          sent += due;
          await transaction((client) => producer.many(client, range(due, -due)));
        }
        await sleep(everyMs);
      }
    })();
  },
  async stopFlow() {
    flowing = false;
    await flow;
  },
  async close() {
    await producer.close();
    await pool.end();
  },
});

function range(count: number, first: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

import type { Pool, PoolClient } from "pg";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { disguised, type Interception, send } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

/** A pool whose connections have their statements intercepted. */
function disguisedPool(pool: Pool, intercept: Interception): Pool {
  return new Proxy(pool, {
    get(target, name) {
      if (name === "connect") return async () => disguised(await target.connect(), intercept);
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Runs `fn` in a transaction, and nothing else. */
async function alone<T>(pool: Pool, fn: (tx: PoolClient) => T): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const result = await fn(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

/** Adapters whose handlers' writes and completions are not one. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "completes a job once its handler's transaction has committed",
    caughtBy: "transactional handlers",
    saying: /the order and the completion have different transactions/,
    also: ["killed handler", "failing jobs of a test", "runEnqueued", "steps"],
    patienceMs: 10_000,
    verbs: ({ transactional, handle }) => ({
      transactional: (pool: Pool, jobType, run, options) => ({
        ...transactional(pool, jobType, run, options),
        run: (job) => alone(pool, (tx) => run(tx, job as never)),
      }),
      handle: (pool: Pool, jobType, run) => ({
        ...handle(pool, jobType, run),
        run: (job) =>
          run(Object.assign(job, { commit: (fn: (tx: PoolClient) => never) => alone(pool, fn) }) as never),
      }),
    }),
  }),
  onPg({
    name: "completes whatever attempt of the job there is",
    caughtBy: "transactional handlers",
    saying: /a write of a lost attempt was committed/,
    verbs: ({ transactional }) => ({
      transactional(pool: Pool, jobType, run, options) {
        const unfenced: Interception = async ([text, values], client) => {
          const [, schema] = /select (\S+)\.complete\(/.exec(text) ?? [];
          if (schema === undefined) return send(client, [text, values]);
          const { rows } = await client.query(`select claim::text from ${schema}.job where id = $1`, [
            values[0],
          ]);
          return send(client, [text, values.with(1, rows[0].claim)]);
        };
        return transactional(disguisedPool(pool, unfenced), jobType, run, options);
      },
    }),
  }),
  onPg({
    name: "records a step before its transaction",
    caughtBy: "steps",
    saying: /the order and the step have different transactions/,
    verbs: ({ handle }) => ({
      handle: (pool: Pool, jobType, run) =>
        handle(pool, jobType, (job) => {
          const { stepTx } = job;
          return run(
            Object.assign(job, {
              async stepTx(name: string, fn: (tx: PoolClient) => unknown) {
                let fresh = false;
                await stepTx.call(job, name, () => {
                  fresh = true;
                });
                return fresh ? alone(pool, fn) : undefined;
              },
            }) as never,
          );
        }),
    }),
  }),
  onPg({
    name: "commits the answer of a call at once",
    caughtBy: "idempotent",
    saying: /the answer after a rolled-back call/,
    also: ["ambient"],
    verbs: ({ idempotent }) => ({
      async idempotent(tx: PoolClient, key, fn, options) {
        const answer = await idempotent(tx, key, fn, options);
        await tx.query("commit");
        await tx.query("begin");
        return answer;
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);

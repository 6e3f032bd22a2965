import type { Connection } from "@pillion/conformance";
import type { ClientBase, Pool, PoolClient } from "pg";
import type { AnyVerbs, Sabotage } from "./saboteur.ts";

/** What the pg adapter gives to its client's `query`. */
export type PgStatement = [text: string, values: (string | null)[]];

/** What the pg adapter wants back. */
type PgAnswer = Awaited<ReturnType<typeof send>>;

/** Has its way with each statement between the pg adapter and the client. */
export type Interception = (statement: PgStatement, client: ClientBase) => Promise<PgAnswer>;

/** The verbs of the honest adapter inside a transaction, with their statements intercepted. */
export function intercepted(
  honest: AnyVerbs,
  intercept: Interception,
): Pick<AnyVerbs, "enqueue" | "enqueueMany"> {
  return {
    enqueue: (tx, job) => honest.enqueue(disguised(tx, intercept), job),
    enqueueMany: (tx, jobs) => honest.enqueueMany(disguised(tx, intercept), jobs),
  };
}

/** The same, for a sabotage that is nothing but an interception. */
export function intercepting(intercept: Interception): Sabotage["verbs"] {
  return (honest) => intercepted(honest, intercept);
}

export async function send(client: ClientBase, statement: PgStatement) {
  return client.query(...statement);
}

/** Sends the statement in a transaction of its own. */
export async function sendApart(pool: Pool, statement: PgStatement): Promise<PgAnswer> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const answer = await send(client, statement);
    await client.query("commit");
    return answer;
  } finally {
    client.release(true);
  }
}

/** A connection that tells `began` of each transaction before anything runs in it. */
export function telling(
  began: (tx: PoolClient, pool: Pool) => void,
): (honest: Connection<PoolClient, Pool>) => Connection<PoolClient, Pool> {
  return (honest) => ({
    ...honest,
    transaction: (fn, options) =>
      honest.transaction((tx) => {
        began(tx, honest.client);
        return fn(tx);
      }, options),
  });
}

/** The handle as the adapter shall see it: the same in all but its `query`. */
export function disguised<T>(handle: T, intercept: Interception): T {
  if (Object(handle) !== handle) return handle;
  return new Proxy(handle as T & object, {
    get: (target, name) =>
      name === "query"
        ? (...[text, values]: PgStatement) => intercept([text, values], target as unknown as ClientBase)
        : Reflect.get(target, name),
  });
}

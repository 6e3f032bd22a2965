import { NotInTransactionError } from "@pillion/core";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);
/** A release that does not tell whether a transaction is open: the guard in the database stands alone. */
const onOldPg = (sabotage: Sabotage) => saboteur(pgHarnesses[0]!, import.meta.url, sabotage);

const pools = new WeakSet<object>();
/** Clients whose transaction has ended. */
const ended = new WeakSet<object>();

/** Adapters that take what they should refuse, or do not say why they refuse it, or lose part of it. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "begins a transaction of its own where it is given a pool",
    caughtBy: "refusals",
    saying: /enqueue accepted a pool/,
    connection(honest) {
      pools.add(honest.client);
      return honest;
    },
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        if (!pools.has(tx)) return adapter.enqueue(tx, job);
        const client = await tx.connect();
        try {
          await client.query("begin");
          const answer = await adapter.enqueue(client, job);
          await client.query("commit");
          return answer;
        } finally {
          client.release(true);
        }
      },
    }),
  }),
  onPg({
    name: "refuses a handle without a word of what it was given",
    caughtBy: "foreign handles",
    saying: /the message does not name kysely/,
    also: ["ambient", "refusals"],
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(tx, job).catch((error) => {
          throw error instanceof NotInTransactionError ? new NotInTransactionError("No transaction.") : error;
        }),
    }),
  }),
  onPg({
    name: "takes an open transaction where a job is to stand alone",
    caughtBy: "standalone",
    saying: /enqueueStandalone accepted a transaction/,
    also: ["ambient"],
    verbs: (adapter) => ({
      enqueueStandalone: (client, job) =>
        adapter.enqueueStandalone(client, job).catch(() => adapter.enqueue(client, job)),
    }),
  }),
  onOldPg({
    name: "begins a transaction of its own where the handle's own has ended",
    caughtBy: "late and leaked handles",
    saying: /an enqueue after COMMIT was accepted/,
    connection: (connection) => ({
      ...connection,
      transaction: (fn, options) =>
        connection.transaction((tx) => {
          ended.delete(tx);
          return fn(tx).finally(() => ended.add(tx));
        }, options),
    }),
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        if (!ended.has(tx)) return adapter.enqueue(tx, job);
        await tx.query("begin");
        const answer = await adapter.enqueue(tx, job);
        await tx.query("commit");
        return answer;
      },
    }),
  }),
  onPg({
    name: "loses an option",
    caughtBy: "options",
    saying: /the column partition_key/,
    also: ["expectEnqueued"],
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(
          tx,
          typeof job?.options?.partitionKey === "string"
            ? { ...job, options: { ...job.options, partitionKey: undefined } }
            : job,
        ),
    }),
  }),
  onPg({
    name: "mends the text of a payload that it should refuse",
    caughtBy: "bad input",
    saying: /enqueue accepted a payload that is half of a surrogate pair/,
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(
          tx,
          typeof job?.payload === "string" ? { ...job, payload: job.payload.toWellFormed() } : job,
        ),
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);

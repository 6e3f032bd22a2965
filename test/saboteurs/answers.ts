import { type Enqueued, PillionError } from "@pillion/core";
import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { intercepted, send, telling } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Sabotage) => saboteur(pgHarnesses.at(-1)!, import.meta.url, sabotage);

/** By the client of a transaction: the answers to the keys that it has asked for. */
const remembered = new WeakMap<object, Map<string, Enqueued>>();

/** Adapters whose answer is not what has happened. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "swallows the database's errors",
    caughtBy: "atomicity",
    saying: /an enqueue was accepted in a failed transaction/,
    also: ["late and leaked handles", "interrupted waits", "commit forms"],
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(tx, job).catch((error) => {
          if (PillionError.is(error)) throw error;
          return { id: "1", created: true, state: "ready" };
        }),
    }),
  }),
  onPg({
    name: "passes the error of a missing schema on as it comes",
    caughtBy: "commit forms",
    saying: /42883|3F000/,
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(tx, job).catch((error) => {
          throw PillionError.is(error) && error.code === "SCHEMA_OUTDATED" ? error.cause : error;
        }),
    }),
  }),
  onPg({
    name: "says of every job that it was created",
    caughtBy: "keys",
    saying: /^created/,
    also: ["contended keys", "hostile settings", "expectEnqueued"],
    verbs: (adapter) => ({
      enqueue: async (tx, job) => ({ ...(await adapter.enqueue(tx, job)), created: true }),
    }),
  }),
  onPg({
    name: "does not hold the job that a duplicate leans on",
    caughtBy: "keys",
    saying: /claimable while the duplicate is open/,
    also: ["ambient", "one statement"],
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        const answer = await intercepted(adapter, async (statement, client) => {
          await client.query("savepoint enqueue");
          return send(client, statement);
        }).enqueue(tx, job);
        await tx.query(`${answer.created ? "release" : "rollback to"} savepoint enqueue`);
        return answer;
      },
    }),
  }),
  onPg({
    name: "takes every key as if it were to be kept",
    caughtBy: "keys",
    saying: /the answer|the payload of the new job/,
    verbs: (adapter) => ({
      enqueue: (tx, job) =>
        adapter.enqueue(
          tx,
          ["debounce", "throttle"].includes(job?.options?.onConflict ?? "") && job.options.uniqueKey
            ? { ...job, options: { ...job.options, onConflict: "keep" } }
            : job,
        ),
    }),
  }),
  onPg({
    name: "remembers which keys a transaction has taken",
    caughtBy: "savepoints",
    saying: /a key that was rolled back kept a job out/,
    connection: telling((tx) => remembered.set(tx, new Map())),
    verbs: (adapter) => ({
      async enqueue(tx, job) {
        const key = job?.options?.uniqueKey && `${job.type.name} ${job.options.uniqueKey}`;
        const known = key && remembered.get(tx)?.get(key);
        if (known) return { ...known, created: false };
        const answer = await adapter.enqueue(tx, job);
        if (key) remembered.get(tx)?.set(key, answer);
        return answer;
      },
    }),
  }),
  onPg({
    name: "answers a long batch from its end",
    caughtBy: "batches",
    saying: /payloads of the jobs that the answers name, in their order/,
    verbs: (adapter) => ({
      async enqueueMany(tx, jobs) {
        const answers = await adapter.enqueueMany(tx, jobs);
        return answers.length < 20 ? answers : answers.reverse();
      },
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);

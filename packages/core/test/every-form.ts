import { defineJob, type } from "@pillion/core";
import type pg from "pg";
import type { OwnQueue } from "./own-queue.ts";

const job = (name: string) => defineJob({ name, payload: type<number>() });

/** Every statement that a verb can send: each guards itself. `duplicate` needs a committed job with its key. */
export const forms = {
  one: ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) => verbs.enqueue(tx, job(name)(1)),
  scheduled: ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueue(tx, job(name)(1, { delayMs: 60_000 })),
  batch: ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueueMany(tx, [job(name)(1), job(name)(2, { queue: "mail" })]),
  keyed: ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueue(tx, job(name)(1, { uniqueKey: "new" })),
  "keyed batch": ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueueMany(tx, [job(name)(1, { uniqueKey: "a", queue: "mail" }), job(name)(2)]),
  duplicate: ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueue(tx, job(name)(1, { uniqueKey: "held" })),
  "batch whose first is a duplicate": ({ verbs }: OwnQueue, tx: pg.ClientBase, name: string) =>
    verbs.enqueueMany(tx, [job(name)(1, { uniqueKey: "held" }), job(name)(2)]),
} as const;
export type Form = keyof typeof forms;
export const formNames = Object.keys(forms) as Form[];

let used = 0;

/** A job name that no test has used, of which one job waits that holds the key `held`. */
export async function heldName({ query }: OwnQueue): Promise<string> {
  const name = `job.${++used}`;
  await query("select pillion.enqueue($1, '0', '{\"uniqueKey\": \"held\"}')", [name]);
  return name;
}

/** How many jobs of the name there are beside the one that holds the key. */
export async function added({ query }: OwnQueue, name: string): Promise<number> {
  const [row] = await query("select count(*)::int - 1 as jobs from pillion.job where name = $1", [name]);
  return Number(row!.jobs);
}

/** How many jobs each form adds. */
export const adds: Record<Form, number> = {
  one: 1,
  scheduled: 1,
  batch: 2,
  keyed: 1,
  "keyed batch": 2,
  duplicate: 0,
  "batch whose first is a duplicate": 1,
};

import type { Enqueued, Job } from "@pillion/core";
import type { AnyJob, Context } from "./context.ts";

/** One of the ways to enqueue. Each is a statement of its own, so each has to keep each promise by itself. */
export interface Form {
  readonly name: string;
  /** How many new jobs it makes. */
  readonly jobs: number;
  /** Enqueues; `key` is a key that nobody holds, or one that a waiting job holds, as the form's name says. */
  enqueue(verbs: Context["verbs"], tx: object, type: AnyJob, key: string): Promise<Enqueued[]>;
}

const keyed = (type: AnyJob, key: string): Job => type(null, { uniqueKey: key });

export const freshForms: readonly Form[] = [
  { name: "enqueue", jobs: 1, enqueue: async (verbs, tx, type) => [await verbs.enqueue(tx, type(null))] },
  {
    name: "enqueue with a key",
    jobs: 1,
    enqueue: async (verbs, tx, type, key) => [await verbs.enqueue(tx, keyed(type, key))],
  },
  {
    name: "enqueueMany",
    jobs: 3,
    enqueue: (verbs, tx, type) => verbs.enqueueMany(tx, [type(1), type(2), type(3)]),
  },
  {
    name: "enqueueMany with keys",
    jobs: 2,
    enqueue: (verbs, tx, type, key) => verbs.enqueueMany(tx, [keyed(type, key), keyed(type, `${key} too`)]),
  },
];

/** How many jobs {@link enqueueInEveryForm} makes. */
export const jobsOfEveryForm = freshForms.reduce((sum, form) => sum + form.jobs, 0);

/** The forms in which the key is held by a job that waits. */
export const duplicateForms: readonly Form[] = [
  {
    name: "enqueue with a key that is held",
    jobs: 0,
    enqueue: async (verbs, tx, type, key) => [await verbs.enqueue(tx, keyed(type, key))],
  },
  {
    name: "enqueueMany whose first key is held",
    jobs: 1,
    enqueue: (verbs, tx, type, key) => verbs.enqueueMany(tx, [keyed(type, key), type(null)]),
  },
];

/** Enqueues in every fresh form. @returns how many jobs that makes */
export async function enqueueInEveryForm(verbs: Context["verbs"], tx: object, type: AnyJob): Promise<number> {
  for (const form of freshForms) await form.enqueue(verbs, tx, type, `key for ${form.name}`);
  return jobsOfEveryForm;
}

import { defineJob, type } from "@pillion/core";
import { type Act, cancelling, emitting, pausing, publishing, rescheduling, retrying } from "./acts.ts";
import { freshForms } from "./forms.ts";

/** A verb that takes a transaction, with what it is done to and what is seen of it then. */
export type Doing = Pick<Act, "name" | "prepare" | "act" | "look" | "done">;

const enqueuing = freshForms.map(
  (form): Doing => ({
    name: form.name,
    prepare: async (context) => ({ name: context.jobType().name, ids: [] }),
    act: (verbs, tx, { name }) =>
      form.enqueue(verbs, tx, defineJob({ name, payload: type<unknown>() }), name),
    look: async ({ reader }, { name }) => `${(await reader.jobs(name)).length} jobs`,
    done: `${form.jobs} jobs`,
  }),
);

const answering: Doing = {
  name: "idempotent",
  prepare: async (context) => ({ name: context.jobType().name, ids: [] }),
  act: (verbs, tx, { name }) => verbs.idempotent(tx, ["orders.place", name], async () => "an answer"),
  async look({ reader, place }, { name }) {
    const [row] = await reader.query(`select answer::text from ${place.jobs}.idempotency where key = $1`, [
      name,
    ]);
    return row?.answer ?? "no answer";
  },
  done: '"an answer"',
};

/** Every verb that takes a transaction, in each of its forms. */
export const everyVerb: readonly Doing[] = [
  ...enqueuing,
  ...cancelling,
  ...retrying,
  ...rescheduling,
  ...pausing,
  ...publishing,
  ...emitting,
  answering,
];

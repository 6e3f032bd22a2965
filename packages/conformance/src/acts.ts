import type { PillionErrorCode } from "@pillion/core";
import { defineEvent, defineTopic, type } from "@pillion/core";
import type { Verbs } from "@pillion/core/adapter";
import type { Context } from "./context.ts";

type AnyVerbs = Verbs<object, object>;

/** What a verb is done to: made by the suite's own SQL, for one case alone. */
export interface Subject {
  /** Of the jobs, and of their queue and topic. */
  readonly name: string;
  readonly ids: readonly string[];
}

/** A verb on what exists already. Each is a statement of its own, so each has to keep each promise by itself. */
export interface Act {
  /** For messages: "cancel by a filter". */
  readonly name: string;
  prepare(context: Context): Promise<Subject>;
  act(verbs: AnyVerbs, tx: object, subject: Subject): Promise<unknown>;
  /** What is there to be seen of the subject, as one text, in the words of {@link done}. */
  look(context: Context, subject: Subject): Promise<string>;
  /** What is seen once it is done; something else before. */
  readonly done: string;
  /** What of the answer is known beforehand. */
  answer(subject: Subject): unknown;
  /** Calls that cannot be meant, by what is wrong with them. */
  readonly bad: Readonly<Record<string, (verbs: AnyVerbs, tx: object) => Promise<unknown>>>;
  readonly code: PillionErrorCode;
}

/** Two jobs of a name, and a queue, of their own. */
async function twoJobs(context: Context): Promise<Subject> {
  const { name } = context.jobType();
  const rows = await context.reader.query(
    `select id::text from generate_series(1, 2) n cross join lateral ${context.place.jobs}.enqueue($1, to_jsonb(n), $2)`,
    [name, JSON.stringify({ queue: name, headers: { of: name } })],
  );
  return { name, ids: rows.map((row) => row.id!) };
}

/** The states of the subject's jobs, wherever they are, in the order of their ids. */
async function statesOf({ reader, place }: Context, { name }: Subject): Promise<string> {
  const [row] = await reader.query(
    `select coalesce(string_agg(state::text, ' ' order by id), 'none') as states from (
       select id, name, state from ${place.jobs}.job union all select id, name, state from ${place.jobs}.archive
     ) jobs where name = $1`,
    [name],
  );
  return row!.states!;
}

const changed = ({ ids }: Subject) => ({ ids, next: null });
const badTargets = (act: (verbs: AnyVerbs, tx: object, target: never) => Promise<unknown>): Act["bad"] =>
  Object.fromEntries(
    Object.entries({
      nothing: undefined,
      "a number": 7,
      "a name in place of an id": "invoice.send",
      "an empty filter": {},
      "a filter of undefined": { queue: undefined },
      "an unknown property": { quue: "mail" },
      "an unknown state": { state: "done" },
    }).map(([name, target]) => [name, (verbs, tx) => act(verbs, tx, target as never)]),
  );

type OnJobs = Pick<Act, "prepare" | "done"> & {
  verb: string;
  act(verbs: AnyVerbs, tx: object, target: Parameters<AnyVerbs["cancel"]>[1]): Promise<unknown>;
};

const onJobs = ({ verb, prepare, done, act }: OnJobs): readonly Act[] =>
  [
    { by: "ids", target: ({ ids }: Subject) => ({ ids }) },
    { by: "headers", target: ({ name }: Subject) => ({ headers: { of: name } }) },
  ].map(({ by, target }) => ({
    name: `${verb} by ${by}`,
    prepare,
    act: (verbs, tx, subject) =>
      act(verbs, tx, verb === "retry" ? { ...target(subject), state: "cancelled" } : target(subject)),
    look: statesOf,
    done,
    answer: changed,
    bad: badTargets(act),
    code: "INVALID_REQUEST",
  }));

export const cancelling = onJobs({
  verb: "cancel",
  prepare: twoJobs,
  done: "cancelled cancelled",
  act: (verbs, tx, target) => verbs.cancel(tx, target),
});

export const retrying = onJobs({
  verb: "retry",
  async prepare(context) {
    const subject = await twoJobs(context);
    await context.reader.query(`select ${context.place.jobs}.cancel($1)`, [
      JSON.stringify({ ids: subject.ids }),
    ]);
    return subject;
  },
  done: "ready ready",
  act: (verbs, tx, target) => verbs.retry(tx, target),
});

export const rescheduling = onJobs({
  verb: "reschedule",
  prepare: twoJobs,
  done: "scheduled scheduled",
  act: (verbs, tx, target) => verbs.reschedule(tx, target, { delayMs: 3_600_000 }),
});

const onQueue = (verb: "pause" | "resume", first: string, done: string): Act => ({
  name: verb,
  async prepare(context) {
    const { name } = context.jobType();
    await context.reader.query(`select ${context.place.jobs}.${first}($1)`, [name]);
    return { name, ids: [] };
  },
  act: (verbs, tx, { name }) => verbs[verb](tx, name),
  async look({ reader, place }, { name }) {
    const found = await reader.query(
      `select from ${place.jobs}.queue where name = $1 and paused_at is not null`,
      [name],
    );
    return found.length > 0 ? "paused" : "not paused";
  },
  done,
  answer: () => ({ changed: true }),
  bad: {
    nothing: (verbs, tx) => verbs[verb](tx, undefined as never),
    "an empty name": (verbs, tx) => verbs[verb](tx, ""),
    "a name of 129 bytes": (verbs, tx) => verbs[verb](tx, "x".repeat(129)),
  },
  code: "INVALID_REQUEST",
});

export const pausing = [onQueue("pause", "resume", "paused"), onQueue("resume", "pause", "not paused")];

const topicOf = (name: string) => defineTopic({ name, payload: type<unknown>() });

export const publishing: readonly Act[] = [
  {
    name: "publish",
    async prepare(context) {
      const { name } = context.jobType();
      await context.reader.query(
        `insert into ${context.place.jobs}.subscription (topic, name, version, queue, priority, max_attempts)
         values ($1, $1, 1, 'first', 0, 3), ($1, $1 || ' too', 2, 'second', 1, 3)`,
        [name],
      );
      return { name, ids: [] };
    },
    act: async (verbs, tx, { name }) =>
      (await verbs.publish(tx, topicOf(name), { a: [1] })).map(({ id, ...rest }) => ({
        ...rest,
        id: typeof id,
      })),
    async look({ reader, place }, { name }) {
      const [row] = await reader.query(
        `select string_agg(concat_ws(' ', queue, version, priority, payload), ', ' order by id) as jobs
         from ${place.jobs}.job where name in ($1, $1 || ' too')`,
        [name],
      );
      return row!.jobs ?? "none";
    },
    done: 'first 1 0 {"a": [1]}, second 2 1 {"a": [1]}',
    answer: ({ name }) => [
      { name, queue: "first", created: true, state: "ready", id: "string" },
      { name: `${name} too`, queue: "second", created: true, state: "ready", id: "string" },
    ],
    bad: {
      "no topic": (verbs, tx) => verbs.publish(tx, undefined as never, 1 as never),
      "a topic's name": (verbs, tx) => verbs.publish(tx, "topic" as never, 1 as never),
      "an undefined payload": (verbs, tx) => verbs.publish(tx, topicOf("t"), undefined),
      "a payload that is NaN": (verbs, tx) => verbs.publish(tx, topicOf("t"), Number.NaN),
      "an unknown option": (verbs, tx) => verbs.publish(tx, topicOf("t"), 1, { queue: "x" } as never),
    },
    code: "INVALID_JOB",
  },
];

const eventOf = (name: string) => defineEvent({ name, payload: type<unknown>() })("1");

export const emitting: readonly Act[] = [
  {
    name: "emit",
    prepare: async (context) => ({ name: context.jobType().name, ids: [] }),
    act: (verbs, tx, { name }) => verbs.emit(tx, eventOf(name), { a: [1] }),
    async look({ reader, place }, { name }) {
      const rows = await reader.query(
        `select key || ' ' || payload as event from ${place.jobs}.event where name = $1`,
        [name],
      );
      return rows[0]?.event ?? "none";
    },
    done: '1 {"a": [1]}',
    answer: () => ({ emitted: true }),
    bad: {
      "no event": (verbs, tx) => verbs.emit(tx, undefined as never, 1 as never),
      "an event type": (verbs, tx) =>
        verbs.emit(tx, defineEvent({ name: "e", payload: type<unknown>() }) as never, 1 as never),
      "an event's name": (verbs, tx) => verbs.emit(tx, "event" as never, 1 as never),
      "an undefined payload": (verbs, tx) => verbs.emit(tx, eventOf("e"), undefined),
      "a payload that is NaN": (verbs, tx) => verbs.emit(tx, eventOf("e"), Number.NaN),
    },
    code: "INVALID_JOB",
  },
];

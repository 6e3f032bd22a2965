import assert from "node:assert/strict";
import type { Context } from "../context.ts";
import { accepted, refusal } from "../expect.ts";
import type { Connection, Harness } from "../harness.ts";
import type { Case, Suite } from "../suite.ts";

interface Wrong {
  readonly name: string;
  readonly says: string;
  /** In an object, since a handle may be a promise, or throw when it is asked whether it is one. */
  make(
    connection: Connection<object, object>,
    after: Context["after"],
    tx: object,
  ): Promise<{ handle: unknown }>;
}

/** What nobody may pass, whatever the ORM. */
const universal: readonly Wrong[] = [
  { name: "undefined", says: "nothing (undefined)", make: async () => ({ handle: undefined }) },
  { name: "null", says: "null", make: async () => ({ handle: null }) },
  { name: "a number", says: "a number (7)", make: async () => ({ handle: 7 }) },
  { name: "a text", says: "a string (tx)", make: async () => ({ handle: "tx" }) },
  { name: "an empty object", says: "an object", make: async () => ({ handle: {} }) },
  {
    name: "a function that answers the transaction",
    says: "a function",
    make: async (_, __, tx) => ({ handle: () => tx }),
  },
  {
    name: "a promise of the transaction",
    says: "a promise",
    make: async (_, __, tx) => ({ handle: Promise.resolve(tx) }),
  },
  {
    name: "an object that throws at every touch",
    says: "an object",
    make: async () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return { handle: proxy };
    },
  },
];

/** Runs `fn` and asserts that it sent nothing to the server. */
export async function silently(
  wire: { traffic(): object },
  what: string,
  fn: () => Promise<void>,
): Promise<void> {
  const before = wire.traffic();
  await fn();
  assert.deepEqual(wire.traffic(), before, `${what} sent something to the database`);
}

function refused({ name, says, make }: Wrong): Case {
  return {
    name: `${name} is refused by name before anything is sent, and the caller's transaction goes on`,
    async run(context) {
      const type = context.jobType();
      const { connection, wire } = await context.wired();
      const open = await context.open(connection);
      const { handle } = (await make(connection, context.after, open.tx)) as { handle: object };
      await silently(wire, "a refused enqueue", async () => {
        for (const [verb, enqueue] of [
          ["enqueue", () => context.verbs.enqueue(handle, type(null))],
          ["enqueue with a key", () => context.verbs.enqueue(handle, type(null, { uniqueKey: "k" }))],
          ["enqueueMany", () => context.verbs.enqueueMany(handle, [type(null)])],
        ] as const) {
          const error = await refusal(enqueue(), "NOT_IN_TRANSACTION", `${verb} accepted ${name}`);
          assert.ok(
            error.message.includes(says),
            `the message of ${verb} does not say "${says}": ${error.message}`,
          );
        }
      });
      assert.equal((await context.reader.jobs(type.name)).length, 0, "a refused enqueue wrote a job");
      await accepted(
        context.verbs.enqueue(open.tx, type(null)),
        "the caller's transaction is no longer usable",
      );
      await open.commit();
      assert.equal((await context.reader.jobs(type.name)).length, 1, "the caller's transaction lost its job");
    },
  };
}

/** A handle that is no open transaction is refused before any SQL, in words that name it. */
export const refusals: Suite = {
  name: "refusals",
  cases: (harness) => [
    {
      name: "the harness names the root client among its wrong handles",
      async run(context) {
        const connection = await context.connection();
        const made = await Promise.all(
          harness.wrongHandles.map((wrong) => wrong.make(connection, context.after)),
        );
        assert.ok(made.includes(connection.client), "no wrong handle is the root client");
      },
    },
    ...harness.wrongHandles.map(({ name, says, make }) =>
      refused({ name, says, make: async (connection, after) => ({ handle: await make(connection, after) }) }),
    ),
    ...universal.map(refused),
  ],
};

/** Handles of other ORMs are as wrong as any, and the error says whose they are. */
export function foreignHandles(others: readonly Harness[]): Suite {
  const wordOf = ({ orm }: Harness) => orm.replace(/^@/, "").split(/[/-]/)[0]!;
  return {
    name: "foreign handles",
    cases: (harness) =>
      others
        .filter((other) => wordOf(other) !== wordOf(harness))
        .flatMap((other) => [
          refusedForeign(other, wordOf(other), "a transaction", (open) => open),
          refusedForeign(other, wordOf(other), "the root client", (_, client) => client),
        ]),
  };
}

function refusedForeign(
  other: Harness,
  word: string,
  what: string,
  pick: (tx: object, client: object) => object,
): Case {
  return {
    name: `${what} of ${other.orm} ${other.version}${other.form ? `, ${other.form},` : ""} is refused by name`,
    async run(context) {
      const type = context.jobType();
      const { url, schema } = context.place;
      const foreign = await other.connect({ url, schema, poolSize: 2 });
      context.after(() => foreign.close());
      await foreign.transaction(async (tx) => {
        const handle = pick(tx, foreign.client);
        const error = await refusal(
          context.verbs.enqueue(handle, type(null)),
          "NOT_IN_TRANSACTION",
          `enqueue accepted ${what} of ${other.orm}`,
        );
        // Core knows most ORMs by the shape of their handles; what it does not know it can call by its class.
        const names = [word, handle.constructor.name].map((name) => name.toLowerCase());
        assert.ok(
          names.some((name) => error.message.toLowerCase().includes(name)),
          `the message does not name ${word}: ${error.message}`,
        );
      });
      assert.equal((await context.reader.jobs(type.name)).length, 0, "a refused enqueue wrote a job");
    },
  };
}

import { type Connection, type Harness, versionOf, type WrongHandle } from "@pillion/conformance";
import * as adapter from "../src/index.ts";
import * as testing from "../src/testing.ts";
import * as prisma6 from "./prisma-6/index.ts";
import * as prisma7 from "./prisma-7/index.ts";

type Client = prisma7.PrismaClient;
type Tx = adapter.TransactionOf<Client>;

// Both releases in the types of the current one: what is used of them here is the same in both.
const releases = [
  { folder: "prisma-6", ...(prisma6 as unknown as typeof prisma7) },
  { folder: "prisma-7", ...prisma7 },
];

const levels = {
  "read committed": "ReadCommitted",
  "repeatable read": "RepeatableRead",
  serializable: "Serializable",
} as const;

const wrongHandles: WrongHandle<Tx, Client>[] = [
  { name: "the client", says: "a Prisma client, which is not a transaction", make: ({ client }) => client },
  {
    name: "an extended client",
    says: "a Prisma client, which is not a transaction",
    make: ({ client }) => extended(client),
  },
];

/** A client whose every operation goes through an extension of the application's. */
function extended(client: Client): Client {
  const passOn = async ({ args, query }: { args: unknown; query(args: unknown): Promise<unknown> }) =>
    query(args);
  return client.$extends({ query: { $allOperations: passOn } }) as unknown as Client;
}

function harness(release: (typeof releases)[number], form: "PrismaClient" | "extended"): Harness<Tx, Client> {
  const { folder, PrismaClient, PrismaPg } = release;
  return {
    orm: "@prisma/client",
    version: versionOf("@prisma/client", new URL(`${folder}/index.ts`, import.meta.url).href),
    driver: "pg",
    form,
    module: import.meta.url,
    adapter,
    testing,
    traits: {
      finishedHandle: "orm",
      handleLives: "transaction",
      ownTimeout: true,
      swallowedError: "resolves",
      lostConnection: "rejects",
      ownConnection: false,
    },
    async connect({ url, schema, poolSize }): Promise<Connection<Tx, Client>> {
      const root = new PrismaClient({
        adapter: new PrismaPg(
          { connectionString: url, max: poolSize },
          { schema, onPoolError: () => {}, onConnectionError: () => {} },
        ),
      });
      const client = form === "extended" ? extended(root) : root;
      return {
        client,
        transaction: (fn, { isolationLevel, timeoutMs = 60_000 } = {}) =>
          client.$transaction(fn, {
            timeout: timeoutMs,
            maxWait: 60_000,
            ...(isolationLevel && { isolationLevel: levels[isolationLevel] }),
          }),
        close: () => root.$disconnect(),
      };
    },
    insertOrder: (tx, order) => tx.order.create({ data: order }),
    execute: (tx, statement) => tx.$queryRawUnsafe(statement),
    // Since Prisma 7.5.
    ...(folder === "prisma-7" && { savepoint: (tx, fn) => tx.$transaction(fn) }),
    async array(verbs, client, job, order) {
      const [[row]] = await client.$transaction([
        (verbs as adapter.PrismaVerbs).enqueueQuery(client, job),
        client.order.create({ data: order }),
      ]);
      return row;
    },
    wrongHandles,
  };
}

export const harnesses: Harness<Tx, Client>[] = releases.flatMap((release) => [
  harness(release, "PrismaClient"),
  harness(release, "extended"),
]);

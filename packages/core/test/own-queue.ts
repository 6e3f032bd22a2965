import { defineAdapter, type Statement, type Verbs } from "@pillion/core/adapter";
import { migrate } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { urlWith } from "./url-with.ts";

type Row = Record<string, never>;

/** A queue in a schema of a file's own, and the verbs over plain pg clients. */
export interface OwnQueue {
  readonly schema: string;
  readonly pool: pg.Pool;
  readonly verbs: Verbs<pg.ClientBase, pg.Pool>;
  /** What the verbs have sent, in order. */
  readonly sent: Statement[];
  /** A client of its own, closed at the end of the test; `settings` are its session's, from its first moment. */
  connect(settings?: Readonly<Record<string, string>>): Promise<pg.Client>;
  /** The same, with a transaction open. */
  begin(settings?: Readonly<Record<string, string>>): Promise<pg.Client>;
  /** Runs SQL in which the schema is written `pillion`, by itself or through a client. */
  query(text: string, values?: unknown[], client?: pg.ClientBase): Promise<Row[]>;
  /** The names of the jobs that exist. */
  names(): Promise<string[]>;
  drop(): Promise<void>;
}

export async function ownQueue(subject: string, url = inject("databaseUrl")): Promise<OwnQueue> {
  const scratch = await scratchSchema(url, subject);
  const pool = new pg.Pool({ connectionString: url, max: 5 });
  await migrate({ database: pool, schema: scratch.name });
  const sent: Statement[] = [];
  const verbs = defineAdapter<pg.ClientBase, pg.Pool>({
    name: "test",
    expects: "a client on which BEGIN has succeeded",
    handleLives: "connection",
    // Whether a transaction is open is left to the guard in the database.
    inTransaction: (client) => "escapeIdentifier" in client,
    isClient: (handle) => "totalCount" in handle,
    async run(handle, statement) {
      sent.push(statement);
      return (await handle.query({ text: statement.text, values: [...statement.values] })).rows;
    },
  }).configure({ schema: scratch.name });
  const query: OwnQueue["query"] = async (text, values, client) =>
    (await (client ?? pool).query(text.replaceAll(/\bpillion\./g, `${scratch.name}.`), values)).rows;
  const queue: OwnQueue = {
    schema: scratch.name,
    pool,
    verbs,
    sent,
    query,
    async connect(settings = {}) {
      const client = new pg.Client({ connectionString: urlWith(settings, undefined, url) });
      client.on("error", () => {});
      await client.connect();
      onTestFinished(() => client.end());
      return client;
    },
    async begin(settings) {
      const client = await queue.connect(settings);
      await client.query("begin");
      return client;
    },
    names: async () =>
      (
        await query("select name from pillion.live union all select name from pillion.archive order by 1")
      ).map(({ name }) => name!),
    async drop() {
      await pool.end();
      await scratch.drop();
    },
  };
  return queue;
}

import { randomBytes } from "node:crypto";
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { scratchQueue } from "@pillion/dev-postgres";
import pg from "pg";
import { inject, onTestFinished } from "vitest";

/** A queue in a database of a test's own, whose other connections are the test's. */
export interface OwnDatabase {
  readonly url: string;
  query(text: string, values?: unknown[]): Promise<Record<string, never>[]>;
  /** Another connection, closed at the end of the test. */
  connect(as?: pg.ClientConfig): Promise<pg.Client>;
  diagnose(options?: Partial<DiagnoseOptions>): Promise<Diagnosis>;
  /** The findings of one code. */
  found(code: Finding["code"], options?: Partial<DiagnoseOptions>): Promise<readonly Finding[]>;
}

/**
 * @param server another server than the one that tests share
 * @param after what has to be done when the database is no longer needed, in reverse order
 */
export async function ownDatabase(
  server = inject("databaseUrl"),
  after: (undo: () => Promise<void>) => void = onTestFinished,
): Promise<OwnDatabase> {
  const { url, drop } = await scratchQueue(server, "doctor", migrate, "pillion");
  after(drop);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on("error", () => {});
  after(() => pool.end());
  const database: OwnDatabase = {
    url,
    query: async (text, values) => (await pool.query(text, values)).rows,
    async connect(as = {}) {
      const client = new pg.Client({ connectionString: url, ...as });
      client.on("error", () => {});
      await client.connect();
      onTestFinished(() => client.end());
      return client;
    },
    diagnose: (options) => diagnose({ database: url, ...options }),
    found: async (code, options) =>
      (await database.diagnose(options)).findings.filter((finding) => finding.code === code),
  };
  return database;
}

/** A role that may log in, dropped at the end of the test. */
export async function ownRole({ query, url }: OwnDatabase): Promise<{ name: string; url: string }> {
  const name = `${new URL(url).pathname.slice(1)}_${randomBytes(4).toString("hex")}`;
  await query(`create role ${name} login password 'only-for-this-test'`);
  onTestFinished(async () => void (await query(`drop owned by ${name}; drop role ${name}`)));
  const own = new URL(url);
  own.username = name;
  own.password = "only-for-this-test";
  return { name, url: own.href };
}

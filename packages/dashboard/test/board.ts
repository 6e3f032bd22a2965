import { type Admin, createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { scratchQueue } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, inject, onTestFinished } from "vitest";
import { boardHeader, type JobState } from "../src/api.ts";
import { type DashboardOptions, dashboard } from "../src/index.ts";

const mount = "https://shop.example/admin/jobs";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at
  readonly body: any;
}

export interface TestBoard {
  readonly admin: Admin;
  readonly schema: string;
  readonly url: string;
  /** Every statement that the board has sent. */
  readonly statements: string[];
  /** What was told to the server's log. */
  readonly log: string[];
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** As the page does it. */
  act(name: string, body: unknown): Promise<Answer>;
  /** Another board on the same queue. */
  with(options: Partial<DashboardOptions>): TestBoard;
  ask(path: string, init?: RequestInit): Promise<Answer>;
  query(text: string, values?: unknown[]): Promise<Record<string, never>[]>;
  add(name: string, payload?: unknown, options?: Record<string, unknown>): Promise<string>;
  reaches(id: string, state: JobState): Promise<void>;
}

/** A board on a queue of a test's own, for one test. */
export async function testBoard(options: Partial<DashboardOptions> = {}): Promise<TestBoard> {
  const { url, schema, drop } = await scratchQueue(inject("databaseUrl"), "board", migrate);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  const statements: string[] = [];
  const database = {
    name: "counted pool",
    connection: () => ({ options: { connectionString: url } }),
    async run({ text, values }: { text: string; values: readonly (string | null)[] }) {
      statements.push(text);
      return (await pool.query(text, [...values])).rows;
    },
  };
  const admin = createAdmin({ database, schema });
  onTestFinished(async () => {
    await admin.close();
    await pool.end();
    await drop();
  });
  const query: TestBoard["query"] = async (text, values) =>
    (await pool.query(text.replaceAll(/\bpillion\./g, `${schema}.`), values)).rows;
  const queue = { admin, schema, url, statements, query };
  return boardOn(queue, options);
}

function boardOn(
  queue: Pick<TestBoard, "admin" | "schema" | "url" | "statements" | "query">,
  options: Partial<DashboardOptions>,
): TestBoard {
  const { admin, query } = queue;
  const log: string[] = [];
  const board = dashboard({
    admin,
    authorize: () => true,
    basePath: "/admin/jobs",
    onError: (message, error) => void log.push(`${message} ${String(error)}`),
    ...options,
  });
  const test: TestBoard = {
    ...queue,
    log,
    with: (others) => boardOn(queue, others),
    async ask(path, init) {
      const response = await board(new Request(`${mount}${path === "" ? "" : `/${path}`}`, init));
      const text = await response.text();
      const json = /json$/.test(response.headers.get("content-type") ?? "");
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: json && text !== "" ? JSON.parse(text) : undefined,
      };
    },
    get: (path, headers = {}) => test.ask(path, { headers }),
    act: (name, body) => test.ask(`api/actions/${name}`, { ...change, body: JSON.stringify(body) }),
    async add(name, payload = null, jobOptions = {}) {
      const [row] = await query(
        "select id::text from pillion.enqueue($1, $2::text::jsonb, $3::text::jsonb)",
        [name, JSON.stringify(payload), JSON.stringify(jobOptions)],
      );
      return row!.id!;
    },
    async reaches(id, state) {
      await expect.poll(async () => (await admin.job(id))?.state, { timeout: 60_000 }).toBe(state);
    },
  };
  return test;
}

/** A change as the page asks for it. */
export const change = {
  method: "POST",
  headers: {
    "content-type": "application/json",
    [boardHeader]: "1",
    origin: "https://shop.example",
    "sec-fetch-site": "same-origin",
  },
};

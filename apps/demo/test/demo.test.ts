import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { holds, type Result } from "../src/report.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const pool = new pg.Pool({ connectionString: inject("databaseUrl") });
const children: ChildProcess[] = [];
let database: string;
let url: string;

beforeAll(async () => {
  // A database of its own, so that any schema that is left in it is the demo's.
  database = `demo_${process.pid}`;
  await pool.query(`create database ${database}`);
  url = Object.assign(new URL(inject("databaseUrl")), { pathname: `/${database}` }).href;
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  await pool.query(`drop database ${database} with (force)`);
  await pool.end();
});

function demo(...args: string[]) {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), main, ...args], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const printed = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed.text += text;
    });
  const ended = once(child, "close").then(([code]) => ({ code: code as number, printed: printed.text }));
  const prints = async (wanted: string) => {
    const over = ended.then(() => expect.fail(`the demo ended without "${wanted}": ${printed.text}`));
    while (!printed.text.includes(wanted))
      await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), over]);
  };
  return { child, ended, prints };
}

async function schemas(): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')",
  );
  await client.end();
  return rows.map(({ name }) => name);
}

test("orders of all five ORMs and their jobs end together, whatever ends them, and the demo leaves nothing behind", async () => {
  const { code, printed } = await demo("--orders", "16").ended;
  expect(printed).toMatch(/│ +pg │ Kysely │ Drizzle │ TypeORM │ Prisma │/);
  expect(printed).toContain("Every committed order has exactly one invoice, and no other order has a job.");
  expect(code).toBe(0);
  expect(await schemas()).toEqual([]);
});

test("Ctrl-C in the middle ends the demo's workers and drops its schemas", async () => {
  const { child, ended, prints } = demo("--orders", "400", "--orm", "pg");
  await prints("Orders placed");
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await schemas()).toEqual([]);
  const { rows } = await pool.query("select pid from pg_stat_activity where datname = $1", [database]);
  expect(rows).toEqual([]);
});

test.each([
  [["--orm", "sequelize"], 'No shop uses "sequelize". There is pg, Kysely, Drizzle, TypeORM, Prisma.'],
  [["--orders", "0"], "It must be a whole number of at least 1."],
  [["--seed", "x"], "It must be a whole number of at least 0."],
])("%j is refused with what is allowed", async (args, message) => {
  const { code, printed } = await demo(...args).ended;
  expect(printed).toContain(message);
  expect(code).toBe(1);
});

const sound: Result = {
  shop: "pg",
  tally: { tried: 3, refusedByDatabase: 1, refusedEarlier: 0 },
  audit: {
    committed: 2,
    started: 3,
    startedTwice: 1,
    jobsWithoutOrder: 0,
    ordersWithoutInvoice: 0,
    invoicedTwice: 0,
  },
};

test.each(["jobsWithoutOrder", "ordersWithoutInvoice", "invoicedTwice"] as const)(
  "the demo fails where %s is not 0",
  (number) => {
    expect(holds([sound])).toBe(true);
    expect(holds([sound, { ...sound, audit: { ...sound.audit, [number]: 1 } }])).toBe(false);
  },
);

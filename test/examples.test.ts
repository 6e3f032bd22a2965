import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import { builtModules } from "@pillion/dev-program";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

// Each adapter's page shows its example.ts; here it runs, as a program, on a fresh database.

const packages = new URL("../packages/", import.meta.url);
const adapters = readdirSync(packages).filter((name) => existsSync(new URL(`${name}/example.ts`, packages)));

test("every adapter of this repository has an example", () => {
  expect(adapters).toEqual(expect.arrayContaining(["drizzle", "kysely", "pg", "prisma", "typeorm"]));
});

test.for(adapters)(
  "the example of @pillion/%s runs the job of each committed order, and a rollback drops order and job",
  async (adapter) => {
    const database = await scratchDatabase(inject("databaseUrl"), "example");
    onTestFinished(() => database.drop());
    const client = new pg.Client({ connectionString: database.url });
    client.on("error", () => {});
    await client.connect();
    onTestFinished(() => client.end());
    await client.query("create table orders (id text primary key, total integer not null, customer text)");
    await migrate({ database: client });

    const { exitCode, output } = await run(new URL(`${adapter}/example.ts`, packages), database.url);
    expect(output).toContain("order 2: card declined\n");
    expect(exitCode).toBe(0);

    const { rows: orders } = await client.query("select id from orders order by id");
    const { rows: jobs } = await client.query(
      "select payload ->> 'orderId' as id, state from pillion.archive order by payload ->> 'orderId'",
    );
    const { rows: waiting } = await client.query("select id from pillion.job");
    expect(orders.map(({ id }) => id)).toContain("1");
    expect(orders.map(({ id }) => id)).not.toContain("2");
    expect(jobs).toEqual(orders.map(({ id }) => ({ id, state: "completed" })));
    expect(waiting).toEqual([]);
    for (const { id } of orders) expect(output).toContain(`invoice of order ${id}\n`);
  },
);

async function run(source: URL, databaseUrl: string): Promise<{ exitCode: number | null; output: string }> {
  const { program } = await builtModules({ program: source.href });
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { exitCode, output };
}

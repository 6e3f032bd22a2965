import { scratchDatabase } from "@pillion/dev-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Database } from "../../src/database.ts";
import { named, sql } from "../../src/statement.ts";
import { toDatabase } from "../../src/worker/connect.ts";
import { until } from "./queue.ts";

const asked = named(
  "process",
  sql<string>`select pg_backend_pid()::text as process, ${(input) => input}::text as given`,
);
const lock = named(
  "lock",
  sql<string>`select pg_advisory_lock(1)::text as lock, ${(input) => input}::text as given`,
);

let scratch: Awaited<ReturnType<typeof scratchDatabase>>;
let database: Database;
let other: Database;
beforeAll(async () => {
  scratch = await scratchDatabase(inject("databaseUrl"), "kept");
  database = toDatabase(scratch.url);
  other = toDatabase(scratch.url);
});
afterAll(async () => {
  await database.close!();
  await other.close!();
  await scratch.drop();
});

const processOf = async () => (await database.run(asked("")))[0]!.process!;
const ask = (pieces: TemplateStringsArray, ...holes: string[]) => other.run(sql(pieces, ...holes)(undefined));

test("statements that follow each other run on one connection, and one beside them on another", async () => {
  const kept = await processOf();
  expect(await processOf()).toBe(kept);

  const held = await ask`select pg_advisory_lock(1)::text, pg_backend_pid()::text as holder`;
  const waiting = database.run(lock("waits"));
  await until(
    async () => (await ask`select 1 from pg_locks where locktype = 'advisory' and not granted`).length > 0,
  );
  const beside = await processOf();
  expect(beside).not.toBe(kept);
  await ask`select pg_terminate_backend(${held[0]!.holder!})::text`.catch(() => {});
  expect((await waiting)[0]!.given).toBe("waits");
  expect(await processOf()).toBe(kept);
});

test("one that the server ends, between two statements or during one, gives way to another", async () => {
  const first = await processOf();
  await ask`select pg_terminate_backend(${first}, 10000)::text`;
  await until(async () => (await processOf().catch(() => first)) !== first);

  const second = await processOf();
  await ask`select pg_advisory_lock(1)::text`;
  const waiting = database.run(lock("ends"));
  await until(
    async () => (await ask`select 1 from pg_locks where locktype = 'advisory' and not granted`).length > 0,
  );
  const refused = expect(waiting).rejects.toThrow("terminating connection");
  await ask`select pg_terminate_backend(${second})::text`;
  await refused;
  expect(await processOf()).not.toBe(second);
});

test("a database is closed though it keeps one", async () => {
  const closed = toDatabase(scratch.url);
  await closed.run(asked(""));
  await closed.close!();
  await expect(closed.run(asked(""))).rejects.toThrow("after calling end");
});

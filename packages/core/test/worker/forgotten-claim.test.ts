import { migrate } from "@pillion/core/migrate";
import { startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { readClaimByKey } from "../../src/postgres/claim-by-key.ts";
import { postgresEngine } from "../../src/postgres/engine.ts";
import { readStep, type StepInput } from "../../src/postgres/step.ts";
import type { StatementOf } from "../../src/statement.ts";

const engine = postgresEngine("pillion");
const lanes = [{ queue: "default", priority: 0, bound: 0 }];
const input = {
  worker: "1",
  lanes,
  types: [{ name: "plain", version: 1 }],
  most: 1,
  free: 1,
};

async function server() {
  // Nothing of a claim reaches the disk by itself while a test runs.
  const settings = { wal_writer_delay: "10s", bgwriter_delay: "10s" };
  const postgres = await startPostgres({ durable: false, settings });
  onTestFinished(() => postgres.stop());
  const pool = new pg.Pool({ connectionString: postgres.url, max: 1 });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  await migrate({ database: pool });
  const run = async <Input>(statement: StatementOf<Input>, given: Input) => {
    const { text, values } = statement(given);
    return (await pool.query({ text, values: [...values] })).rows;
  };
  return {
    query: async (text: string) => (await pool.query(text)).rows,
    crash: () => postgres.restart("immediate"),
    async claim() {
      const { claim, jobs } = readStep(await run(engine.claim, input), input);
      return { id: jobs[0]!.id, claim: claim!, place: jobs[0]!.place! };
    },
    async claimByKey() {
      const given = { ...input, queue: "default", after: "", slots: undefined, lines: undefined };
      const { claim, jobs } = readClaimByKey(await run(engine.claimByKey, given), given);
      return { id: jobs[0]!.id, claim: claim! };
    },
    async complete(completion: Omit<StepInput["completions"][number], "startedMs">) {
      const given = { ...input, lanes: [], most: 0, completions: [{ ...completion, startedMs: 1 }] };
      return readStep(await run(engine.step, given), given);
    },
  };
}

test("what runs under a claim that the server forgot in a crash cannot end the job under the claim that came after it", async () => {
  const { query, crash, claim, complete } = await server();
  await query("select pillion.enqueue('plain', '1')");
  const forgotten = await claim();
  await crash();
  expect(await query("select state from pillion.job")).toEqual([{ state: "ready" }]);

  const second = await claim();
  expect(second.id).toBe(forgotten.id);
  expect((await complete(forgotten)).lostBatches).toEqual([forgotten.claim]);
  expect(await complete(second)).toMatchObject({ lostBatches: [], busyBatches: [] });
  expect(await query("select state, attempt from pillion.archive")).toEqual([
    { state: "completed", attempt: 1 },
  ]);
});

test("nor where its queue has limits; and the first claim after a crash is on disk, so the next crash takes none of its numbers back", async () => {
  const { query, crash, claimByKey, complete } = await server();
  await query("insert into pillion.queue (name, concurrency) values ('default', 5)");
  await query("select pillion.enqueue('plain', to_jsonb(i)) from generate_series(1, 3) i");
  const claims: string[] = [];
  for (let time = 0; time < 3; time++) {
    claims.push((await claimByKey()).claim, (await claimByKey()).claim);
    await crash();
  }
  const last = await claimByKey();
  claims.push(last.claim);
  expect(new Set(claims).size).toBe(claims.length);
  for (const claim of claims.slice(0, -1))
    expect((await complete({ id: last.id, claim })).lost).toEqual([last.id]);
  expect((await complete(last)).lost).toEqual([]);
});

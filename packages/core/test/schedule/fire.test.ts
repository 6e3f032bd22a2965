import { defineJob, type } from "@pillion/core";
import { schedule } from "@pillion/core/admin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Engine, postgresEngine } from "../../src/postgres/engine.ts";
import type { ScheduleMove } from "../../src/postgres/fire-schedules.ts";
import { planOf } from "../../src/schedule/plan.ts";
import type { Row, StatementOf } from "../../src/statement.ts";
import { type TestQueue, testQueue } from "../worker/queue.ts";
import { firedSlots } from "./slots.ts";

// What a worker has worked out may be overtaken before it gets to fire it.

let queue: TestQueue;
let engine: Engine;
beforeEach(async () => {
  queue = await testQueue();
  engine = postgresEngine(queue.schema);
});
afterEach(() => queue.drop());

async function run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
  const { text, values } = statement(input);
  return (await queue.pool.query(text, [...values])).rows;
}

const tick = defineJob({ name: "tick", payload: type<number>() });
const hourly = (n: number, everyMs = 3_600_000) => schedule({ name: "hourly", everyMs, job: tick(n) });

/** A schedule with a slot that is due, and what a worker makes of it. */
async function dueMove(): Promise<ScheduleMove> {
  await queue.admin.schedules.set(hourly(1));
  await queue.query("update pillion.schedule set passed = passed - interval '2 hours'");
  const rows = await run(engine.dueSchedules, { limit: 10, except: [] });
  const move = planOf(rows[0]!);
  expect(move.slots).toHaveLength(1);
  return move;
}
const fire = (...moves: ScheduleMove[]) => run(engine.fireSchedules, { moves });

test("a move fires its slot and passes it; the same move again does nothing", async () => {
  const move = await dueMove();
  expect(await fire(move)).toEqual([{ name: "hourly", jobs: "1" }]);
  expect(await fire(move)).toEqual([]);
  expect(await firedSlots(queue, "hourly")).toEqual([Date.parse(move.slots[0]!)]);
  const [record] = await queue.admin.schedules.list();
  expect(record!.lastSlot).toEqual(new Date(move.slots[0]!));
});

test.each<[string, () => Promise<unknown>]>([
  ["got another payload", () => queue.admin.schedules.set(hourly(2))],
  ["got other slots", () => queue.admin.schedules.set(hourly(1, 1_800_000))],
  ["was paused", () => queue.admin.schedules.pause("hourly")],
  ["was paused by hand", () => queue.query("update pillion.schedule set paused_at = now()")],
  [
    "was paused and resumed",
    async () => {
      await queue.admin.schedules.pause("hourly");
      await queue.admin.schedules.resume("hourly");
    },
  ],
  ["was removed", () => queue.admin.schedules.remove("hourly")],
  [
    "was removed and set again",
    async () => {
      await queue.admin.schedules.remove("hourly");
      await queue.admin.schedules.set(hourly(1));
    },
  ],
])("a schedule that %s meanwhile is not fired by what was worked out before", async (_, overtake) => {
  const move = await dueMove();
  await overtake();
  const before = await queue.query("select * from pillion.schedule");
  expect(await fire(move)).toEqual([]);
  expect(await queue.query("select * from pillion.schedule")).toEqual(before);
  expect(await firedSlots(queue, "hourly")).toEqual([]);
});

test("a slot that is not due by the database's clock is not fired, nor one that is dealt with", async () => {
  const move = await dueMove();
  const at = (ms: number) => {
    const slot = new Date(Date.parse(move.slots[0]!) + ms).toISOString();
    return { ...move, slots: [slot], upTo: slot };
  };
  expect(await fire(at(2 * 3_600_000))).toEqual([]);
  expect(await fire(at(-4 * 3_600_000))).toEqual([]);
  expect(await firedSlots(queue, "hourly")).toEqual([]);
  expect(await fire(move)).toHaveLength(1);
});

test("among ten thousand schedules a look reads those that are due by their index, and a move finds its own by name", async () => {
  await queue.query(
    `insert into pillion.schedule (name, every_ms, job_name, payload, due_at, paused_at)
     select 's' || n, 1000, 'x', '1', case when n % 3 = 0 then 'infinity' else now() + n * interval '1 minute' end,
       case when n % 5 = 0 then now() end
     from generate_series(1, 10000) n`,
  );
  await queue.query("analyze pillion.schedule");
  const move = await dueMove();
  for (const { text, values } of [
    engine.dueSchedules({ limit: 100, except: ["s1"] }),
    engine.fireSchedules({ moves: [move] }),
  ]) {
    const { rows } = await queue.pool.query(`explain ${text}`, [...values]);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).toMatch(/Index Scan using schedule_(due|pkey) on schedule/);
    expect(plan).not.toMatch(/Seq Scan on schedule/);
  }
});

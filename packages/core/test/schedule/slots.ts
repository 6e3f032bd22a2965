import { expect } from "vitest";
import type { TestQueue } from "../worker/queue.ts";

/** The slots whose jobs there are, ascending, as milliseconds since 1970: one for each job, doubles and all. */
export async function firedSlots(queue: TestQueue, schedule: string): Promise<number[]> {
  const rows = await queue.query(
    `select (extract(epoch from (headers ->> $2)::timestamptz) * 1000)::float8 as slot
     from (select headers from pillion.live union all select headers from pillion.archive) jobs
     where headers ->> $3 = $1 order by 1`,
    // As parameters, since the test's queries have the schema's name changed in their text.
    [schedule, "pillion.slot", "pillion.schedule"],
  );
  return rows.map(({ slot }) => slot!);
}

/** Expects one job for each slot from the first to the last that were fired. */
export function expectEachOnce(slots: readonly number[], everyMs: number): void {
  expect(slots).toEqual(slots.map((_, index) => slots[0]! + index * everyMs));
  expect(slots[0]! % everyMs).toBe(0);
}

import { expect, test } from "vitest";
import type { Cell } from "../src/crash/audit.ts";
import { moments } from "../src/crash/renewal.ts";
import { holds } from "../src/crash/report.ts";
import { demoDatabase, nothing } from "./demo-process.ts";

const { demo, left } = demoDatabase("crash");

test("a worker that is killed at any moment around COMMIT leaves one order and one completion, through all five ORMs", async () => {
  const { code, printed } = await demo("crash").ended;
  expect(printed).toContain("orders: 1 of pg, 1 of Kysely, 1 of Drizzle, 1 of TypeORM, 1 of Prisma.");
  for (const shop of ["pg", "Kysely", "Drizzle", "TypeORM", "Prisma"])
    expect(printed).toMatch(new RegExp(`│ ${shop} +(│ 1 order, xid \\d+ +){4}│\n`));
  expect(printed).toContain("Each order exists exactly once");
  expect(code).toBe(0);
  expect(await left()).toEqual(nothing);
});

const sound = moments.map(
  (moment): Cell => ({
    shop: "pg",
    moment,
    attempt: moment === "right after COMMIT" ? 1 : 2,
    state: "completed",
    completedBy: "7",
    writtenBy: ["7"],
  }),
);

test.each<[string, Partial<Cell>]>([
  ["an order exists twice", { writtenBy: ["7", "7"] }],
  ["an order is missing", { writtenBy: [] }],
  ["an order is of another transaction than its job's completion", { writtenBy: ["6"] }],
  ["a job is not completed", { state: "dead" }],
  ["the kill came at another moment", { attempt: 1 }],
])("the demo fails where %s", (_, broken) => {
  expect(holds(["pg"], sound)).toBe(true);
  expect(holds(["pg"], [{ ...sound[0]!, ...broken }, ...sound.slice(1)])).toBe(false);
});

test("the demo fails where a job has not ended", () => {
  expect(holds(["pg"], sound.slice(1))).toBe(false);
});

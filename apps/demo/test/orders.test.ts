import { expect, test } from "vitest";
import { holds, type Result } from "../src/orders/report.ts";
import { demoDatabase, nothing } from "./demo-process.ts";

const { demo, left } = demoDatabase("orders");

test("orders of all five ORMs and their jobs end together, whatever ends them, and the demo leaves nothing behind", async () => {
  const { code, printed } = await demo("--orders", "16").ended;
  expect(printed).toMatch(/│ +pg │ Kysely │ Drizzle │ TypeORM │ Prisma │/);
  expect(printed).toContain("Every committed order has exactly one invoice, and no other order has a job.");
  expect(code).toBe(0);
  expect(await left()).toEqual(nothing);
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

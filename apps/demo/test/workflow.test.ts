import { expect, test } from "vitest";
import type { StepAudit } from "../src/workflow/audit.ts";
import { holds } from "../src/workflow/report.ts";
import { demoDatabase, nothing } from "./demo-process.ts";

const { demo, left } = demoDatabase("workflow");

test("an order goes through its steps once, whoever dies, fails or waits meanwhile, and the screen says so", async () => {
  const { code, printed } = await demo("workflow").ended;
  const story = [
    /attempt 1 +reserve +ran → /,
    /Worker \d+ is killed \(SIGKILL\) in the middle of its step "charge"/,
    /attempt 2 +reserve +finished before/,
    /attempt 2 +charge +ran again, run 2 → /,
    /attempt 2 +invoice +ran and failed: "no tax rate for NL"/,
    /attempt 3 +reserve +finished before/,
    /attempt 3 +charge +finished before/,
    /attempt 3 +invoice +ran again, run 2 → /,
    /Worker \d+ is killed all the same/,
    /That rolls back\. In the database: shipments 0, events 0\./,
    /and commits\. In the database: shipments 1, events 1\./,
    /invoice +finished before/,
    /shipment\.packed +has come → \{"boxes":3\}/,
    /mail +ran → /,
    /Job \d+ is completed/,
    /│ reserve │ 1 \(worker \d+\) +│ +0 │ +1 │/,
    /│ charge +│ 1 \(worker \d+\), 2 \(worker \d+\) │ +0 │ +1 │ +2 │/,
    /│ mail +│ 3 \(worker \d+\) +│ +0 │ +1 │ +1 │/,
    /No finished step ran again\./,
  ];
  expect(printed).toMatch(new RegExp(story.map(({ source }) => source).join("[^]*")));
  expect(code).toBe(0);
  expect(await left()).toEqual(nothing);
});

const steps: StepAudit[] = [
  { step: "reserve", runs: ["1"], ranAfterEnd: 0, effects: 1, calls: null },
  { step: "charge", runs: ["1", "2"], ranAfterEnd: 0, effects: 1, calls: 2 },
  { step: "invoice", runs: ["2", "3"], ranAfterEnd: 0, effects: 1, calls: null },
  { step: "mail", runs: ["3"], ranAfterEnd: 0, effects: 1, calls: 1 },
];

test.each<[string, Partial<StepAudit>]>([
  ["a finished step ran again", { ranAfterEnd: 1 }],
  ["a step left two things behind", { effects: 2 }],
  ["a step left nothing behind", { effects: 0 }],
  ["nothing interrupted the charge", { runs: ["1"] }],
])("the demo fails where %s", (_, broken) => {
  const [reserve, charge, ...later] = steps;
  expect(holds(steps)).toBe(true);
  expect(holds([reserve!, { ...charge!, ...broken }, ...later])).toBe(false);
});

test("the demo fails where a step has not finished", () => {
  expect(holds(steps.slice(0, 3))).toBe(false);
});

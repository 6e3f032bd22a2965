import { expect, test } from "vitest";
import { demoDatabase, nothing } from "./demo-process.ts";

const { demo, left } = demoDatabase("command_line");

test.each([
  { args: ["orders", "--orders", "400", "--orm", "pg"], at: "Orders placed" },
  { args: ["workflow"], at: "is killed (SIGKILL)" },
  { args: ["crash", "--orm", "pg"], at: "has stopped at all" },
])("Ctrl-C in the middle of $args.0 ends the demo's workers and drops its schemas", async ({ args, at }) => {
  const { child, ended, prints } = demo(...args);
  await prints(at);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await left()).toEqual(nothing);
});

test("--help lists the scenes", async () => {
  const { code, printed } = await demo("--help").ended;
  expect(printed).toMatch(/Scenes:\n +orders .*\n +workflow .*\n +crash .*\n +dashboard /s);
  expect(code).toBe(0);
});

test.each([
  [["workflw"], 'There is no scene "workflw". There is orders, workflow, crash, dashboard.'],
  [["workflow", "--orders", "3"], "unknown option '--orders'"],
  [["--orm", "sequelize"], 'No shop uses "sequelize". There is pg, Kysely, Drizzle, TypeORM, Prisma.'],
  [
    ["crash", "--orm", "sequelize"],
    'No shop uses "sequelize". There is pg, Kysely, Drizzle, TypeORM, Prisma.',
  ],
  [["--orders", "0"], "It must be a whole number of at least 1."],
  [["--seed", "x"], "It must be a whole number of at least 0."],
])("%j is refused with what is allowed", async (args, message) => {
  const { code, printed } = await demo(...args).ended;
  expect(printed).toContain(message);
  expect(code).toBe(1);
});

// Runs the suite's cases that start, and kill, a process of their own; prints what failed, and how many did not.
import { createRequire } from "node:module";

const [loader, harnessModule] = process.argv.slice(2);
const load = loader === "require" ? createRequire(import.meta.url) : (name) => import(name);
const { conformanceRun } = await load("@pillion/conformance");
const { harnesses } = await import(harnessModule);

const run = conformanceRun(harnesses[0], { url: process.env.DATABASE_URL });
for (const { suite, run: runCase } of run.cases)
  if (suite === "killed process") await runCase().catch((error) => console.log(error));
const { passed, failed } = await run.report();
await run.close();
console.log(JSON.stringify({ passed, failed }));

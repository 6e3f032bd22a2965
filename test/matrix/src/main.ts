import { availableParallelism } from "node:os";
import { merge, readResults, sameResults, writeResults } from "./results.ts";
import { type Outcome, runOn } from "./run-on.ts";

const majors = [14, 15, 16, 17, 18];
const waiting = [...majors];
const outcomes: Outcome[] = [];
// Each has a server of its own, so that as many run side by side as there are processors.
await Promise.all(Array.from({ length: Math.min(majors.length, availableParallelism()) }, runNext));

outcomes.sort((a, b) => a.major - b.major);

const results = merge(outcomes.flatMap(({ reports }) => reports));
if (!process.argv.includes("--check")) writeResults(results);
else if (!sameResults(results, readResults())) {
  console.error("\nThis run differs from test/matrix/results.json, which the README shows.");
  console.error("Run `npm run test:matrix` and commit what it writes.");
  process.exitCode = 1;
}
const sum = (what: "passed" | "failed" | "skipped") =>
  outcomes.reduce((total, { [what]: count }) => total + count, 0);
if (sum("failed") > 0) process.exitCode = 1;
// Once more at the end, where a reader of a long log looks first.
for (const { major, failures } of outcomes)
  for (const failure of failures) console.log(failure.replace("failed: ", `failed: Postgres ${major}: `));
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);

async function runNext(): Promise<void> {
  for (let major = waiting.shift(); major !== undefined; major = waiting.shift()) {
    console.log(`Postgres ${major} …`);
    const started = Date.now();
    const outcome = await runOn(major);
    outcomes.push(outcome);
    if (outcome.failed > 0) console.log(outcome.output);
    const { passed, failed, skipped } = outcome;
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`Postgres ${major}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
  }
}

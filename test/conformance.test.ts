import { writeFileSync } from "node:fs";
import { conformance, type Report } from "@pillion/conformance";
import { afterAll, describe, inject, test } from "vitest";
import { withBuiltChild } from "./built-child.ts";
import { allHarnesses, newestReleases } from "./harnesses.ts";

const harnesses = await allHarnesses();
const reports: Report[] = [];

// A report of the run over every release, for the README's table and the matrix of Postgres releases.
const reportFile = process.env.PILLION_CONFORMANCE_REPORT;
afterAll(() => {
  if (reportFile) writeFileSync(reportFile, `${JSON.stringify(reports, undefined, 2)}\n`);
});

const chosen = reportFile ? harnesses : newestReleases(harnesses);
for (const { harness, childArguments } of await Promise.all(chosen.map(withBuiltChild)))
  conformance(
    harness,
    {
      url: inject("databaseUrl"),
      others: harnesses,
      childArguments,
      describe: describe.concurrent,
      test,
      afterAll,
    },
    async (run) => void reports.push(await run.report()),
  );

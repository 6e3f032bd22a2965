import { writeFileSync } from "node:fs";
import { conformance, type Report } from "@pillion/conformance";
import { afterAll, describe, inject, test } from "vitest";
import { allHarnesses, newestReleases } from "./harnesses.ts";

const harnesses = await allHarnesses();
const reports: Report[] = [];

// A report of the run over every release, for the README's table and the matrix of Postgres releases.
const reportFile = process.env.PILLION_CONFORMANCE_REPORT;
afterAll(() => {
  if (reportFile) writeFileSync(reportFile, `${JSON.stringify(reports, undefined, 2)}\n`);
});

for (const harness of reportFile ? harnesses : newestReleases(harnesses))
  conformance(
    harness,
    {
      url: inject("databaseUrl"),
      others: harnesses,
      childArguments: ["--import", import.meta.resolve("@pillion/dev-program/compile")],
      describe: describe.concurrent,
      test,
      afterAll,
    },
    async (run) => void reports.push(await run.report()),
  );

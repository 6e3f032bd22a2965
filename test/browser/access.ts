import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[];
  }[];
}

/** The serious and critical faults that axe finds on a page as it is, by rule and place. */
export async function faultsOfAccess(page: Page): Promise<string[]> {
  // Into the page's world by the debugger, as the CSP lets no foreign script in.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as never as { axe: { run(): Promise<Found> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`),
    );
}

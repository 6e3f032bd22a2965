import type { TestProject } from "vitest/node";
import { chromiumCommand } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The program that the tests drive. */
    chromium: string;
  }
}

/** A real Chromium, for the whole run. */
export default function setup(project: TestProject): void {
  const { command, version } = chromiumCommand();
  project.provide("chromium", command);
  console.log(version);
}

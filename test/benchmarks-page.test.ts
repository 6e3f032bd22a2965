import { expect, test } from "vitest";
import { readPage, written } from "./bench/src/report/page.ts";

test("the page of benchmarks says what the recorded runs say, and nothing else", () => {
  const page = readPage();
  expect(page.match(/<!-- written: /g)!.length).toBe(11);
  expect(page).toBe(written(page));
});

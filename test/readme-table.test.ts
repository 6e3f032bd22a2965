import { expect, test } from "vitest";
import { readmeTable, readResults, tableOf } from "./matrix/src/results.ts";

test("the README's table says what the last recorded run of the matrix says, and nothing else", () => {
  expect(readmeTable()).toBe(tableOf(readResults()));
});

import { diagnose } from "@pillion/core/admin";
import { expect, onTestFinished, test } from "vitest";
import { nothing, pooledPlace } from "./pooled-place.ts";

test("a diagnosis through a pooler says that one stands between, finds all else well, and leaves nothing there", async () => {
  const place = await pooledPlace("doctor");
  onTestFinished(() => place.drop());
  const { findings, severity, looked } = await diagnose({ database: place.pooled });
  expect(findings).toMatchObject([{ code: "POOLED", severity: "info" }]);
  expect(severity).toBe("info");
  expect(looked).toContain("poolers, and LISTEN");
  expect(await place.leftovers()).toEqual(nothing);
});

test("an application that goes through the pooler is known to be in the queue's database", async () => {
  const place = await pooledPlace("doctor");
  onTestFinished(() => place.drop());
  const { findings } = await diagnose({ database: place.direct, applicationDatabase: place.pooled });
  expect(findings).toEqual([]);
  expect(await place.leftovers()).toEqual(nothing);
});

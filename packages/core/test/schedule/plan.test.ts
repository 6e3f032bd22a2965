import fc from "fast-check";
import { expect, test } from "vitest";
import { dueSlots } from "../../src/schedule/plan.ts";
import { timingOf } from "../../src/schedule/timing.ts";

const [secondMs, minuteMs, hourMs] = [1_000, 60_000, 3_600_000];
const start = Date.parse("2026-05-01T00:00:00Z");

/** The slots that are fired after a silence, and the last that is dealt with, as milliseconds since the silence began. */
function after(silenceMs: number, everyMs: number, missed: "skip" | "runOnce") {
  const timing = timingOf({ cron: null, timeZone: null, everyMs: String(everyMs) });
  const { slots, upTo } = dueSlots(
    timing,
    new Date(start),
    new Date(start + silenceMs),
    missed === "runOnce",
  );
  const since = (slot: Date) => slot.getTime() - start;
  return { slots: slots.map(since), upTo: upTo && since(upTo) };
}

for (const missed of ["skip", "runOnce"] as const) {
  test(`${missed}: before the first slot, nothing is fired and nothing passed over`, () => {
    expect(after(minuteMs - 1, minuteMs, missed)).toEqual({ slots: [], upTo: undefined });
  });

  test(`${missed}: slots that are up to a minute late are all fired, ten at a time`, () => {
    expect(after(2 * minuteMs, minuteMs, missed)).toEqual({
      slots: [minuteMs, 2 * minuteMs],
      upTo: 2 * minuteMs,
    });
    expect(after(minuteMs, secondMs, missed)).toEqual({
      slots: Array.from({ length: 10 }, (_, i) => (i + 1) * secondMs),
      upTo: 10 * secondMs,
    });
  });

  test(`${missed}: after a longer silence all but the newest slot are passed over, and that is fired where it is not late`, () => {
    expect(after(hourMs, secondMs, missed)).toEqual({ slots: [hourMs], upTo: hourMs });
    expect(after(hourMs + minuteMs, hourMs, missed)).toEqual({ slots: [hourMs], upTo: hourMs });
  });
}

test("a newest slot that is late itself: skip passes it over, runOnce fires it for all that were missed", () => {
  const silence = 50 * hourMs + minuteMs + 1;
  expect(after(silence, hourMs, "skip")).toEqual({ slots: [], upTo: 50 * hourMs });
  expect(after(silence, hourMs, "runOnce")).toEqual({ slots: [50 * hourMs], upTo: 50 * hourMs });
  expect(after(hourMs + minuteMs + 1, hourMs, "skip")).toEqual({ slots: [], upTo: hourMs });
  expect(after(hourMs + minuteMs + 1, hourMs, "runOnce")).toEqual({ slots: [hourMs], upTo: hourMs });
});

test("whenever workers look, no slot is fired twice or early, and none is left out while one looks every half minute", () => {
  const waits = fc.array(fc.oneof(fc.nat({ max: 30_000 }), fc.nat({ max: 3 * hourMs })), { maxLength: 40 });
  const every = fc.constantFrom(100, 7_001, 30_000, minuteMs, 20 * minuteMs, hourMs);
  fc.assert(
    fc.property(waits, every, fc.boolean(), (waits, everyMs, runOnce) => {
      const timing = timingOf({ cron: null, timeZone: null, everyMs: String(everyMs) });
      let [now, passed] = [start, new Date(start)];
      for (const waitMs of waits) {
        now += waitMs;
        const fired: number[] = [];
        for (;;) {
          const { slots, upTo } = dueSlots(timing, passed, new Date(now), runOnce);
          if (upTo === undefined) break;
          expect(upTo.getTime()).toBeGreaterThan(passed.getTime());
          expect(upTo.getTime()).toBeLessThanOrEqual(now);
          for (const slot of slots) expect(slot.getTime()).toBeGreaterThan(fired.at(-1) ?? passed.getTime());
          fired.push(...slots.map((slot) => slot.getTime()));
          passed = upTo;
        }
        // All that is due has been dealt with.
        expect(timing.after(passed)!.getTime()).toBeGreaterThan(now);
        if (waitMs <= 30_000)
          expect(fired).toHaveLength(Math.floor(now / everyMs) - Math.floor((now - waitMs) / everyMs));
        else if (runOnce)
          expect(fired.length > 0).toBe(Math.floor(now / everyMs) > Math.floor((now - waitMs) / everyMs));
      }
    }),
  );
});

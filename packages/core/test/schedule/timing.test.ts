import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Timing, timingOf } from "../../src/schedule/timing.ts";
import { slotsByRule, wallMinutes } from "./wall-clock.ts";

const cronTiming = (cron: string, timeZone: string) => timingOf({ cron, timeZone, everyMs: null });

function slots(timing: Timing, from: string, count: number): string[] {
  const found: string[] = [];
  let at: Date | undefined = new Date(from);
  while (found.length < count) {
    at = timing.after(at!);
    if (at === undefined) break;
    found.push(at.toISOString().replace(/:00\.000Z$/, "Z"));
  }
  return found;
}

// [what holds, zone, line, from, the slots that follow]
const results: [string, string, string, string, string[]][] = [
  [
    "02:30 in the gap is at the gap's end, once",
    "Europe/Berlin",
    "30 2 * * *",
    "2026-03-28T00:00Z",
    ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
  ],
  [
    "02:30 twice in the fold is the first of the two, once",
    "Europe/Berlin",
    "30 2 * * *",
    "2026-10-24T00:00Z",
    ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  ],
  [
    "a list of times is fixed times too: 02:30 in the gap is at its end",
    "Europe/Berlin",
    "30 2,14 * * *",
    "2026-03-28T20:00Z",
    ["2026-03-29T01:00Z", "2026-03-29T12:30Z", "2026-03-30T00:30Z"],
  ],
  [
    "two times in one gap meet at its end, once",
    "Europe/Berlin",
    "15,45 2 * * *",
    "2026-03-28T20:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:15Z", "2026-03-30T00:45Z"],
  ],
  [
    "every half hour leaves out the gap",
    "Europe/Berlin",
    "*/30 * * * *",
    "2026-03-29T00:10Z",
    ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"],
  ],
  [
    "every half hour goes on through the fold",
    "Europe/Berlin",
    "*/30 * * * *",
    "2026-10-24T23:40Z",
    ["2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z"],
  ],
  [
    "02:30 in the gap",
    "America/New_York",
    "30 2 * * *",
    "2026-03-07T00:00Z",
    ["2026-03-07T07:30Z", "2026-03-08T07:00Z", "2026-03-09T06:30Z"],
  ],
  [
    "01:30 twice in the fold",
    "America/New_York",
    "30 1 * * *",
    "2026-10-31T00:00Z",
    ["2026-10-31T05:30Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"],
  ],
  [
    "a gap of half an hour",
    "Australia/Lord_Howe",
    "15 2 * * *",
    "2026-10-02T00:00Z",
    ["2026-10-02T15:45Z", "2026-10-03T15:30Z", "2026-10-04T15:15Z"],
  ],
  [
    "a fold of half an hour",
    "Australia/Lord_Howe",
    "45 1 * * *",
    "2026-04-03T00:00Z",
    ["2026-04-03T14:45Z", "2026-04-04T14:45Z", "2026-04-05T15:15Z"],
  ],
  [
    "every quarter through a fold of half an hour",
    "Australia/Lord_Howe",
    "*/15 * * * *",
    "2026-04-04T14:20Z",
    ["2026-04-04T14:30Z", "2026-04-04T14:45Z", "2026-04-04T15:00Z", "2026-04-04T15:15Z", "2026-04-04T15:30Z"],
  ],
  [
    "a fold at the beginning of Ramadan",
    "Africa/Casablanca",
    "30 2 * * *",
    "2026-02-14T00:00Z",
    ["2026-02-14T01:30Z", "2026-02-15T01:30Z", "2026-02-16T02:30Z"],
  ],
  [
    "a gap at the end of Ramadan",
    "Africa/Casablanca",
    "30 2 * * *",
    "2026-03-21T00:00Z",
    ["2026-03-21T02:30Z", "2026-03-22T02:00Z", "2026-03-23T01:30Z"],
  ],
  [
    "midnight in the gap",
    "America/Havana",
    "0 0 * * *",
    "2026-03-07T12:00Z",
    ["2026-03-08T05:00Z", "2026-03-09T04:00Z"],
  ],
  [
    "six fields: seconds first",
    "UTC",
    "*/20 30 9 * * *",
    "2026-05-01T09:30:10Z",
    ["2026-05-01T09:30:20.000Z", "2026-05-01T09:30:40.000Z", "2026-05-02T09:30Z"],
  ],
  ["a nickname", "UTC", "@monthly", "2026-01-05T00:00Z", ["2026-02-01T00:00Z", "2026-03-01T00:00Z"]],
  ["a leap day", "UTC", "0 0 29 2 *", "2026-01-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
];

test.each(results)("%s (%s, %s)", (_, zone, cron, from, expected) => {
  expect(slots(cronTiming(cron, zone), from, expected.length)).toEqual(expected);
});

test("the results that the page on schedules shows are those that come out", () => {
  const page = readFileSync(new URL("../../../../docs/schedules.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| (\w+\/\w+) \| `(.+?)` \| (\d+ \w+ \d{4}),.*\((\d\d:\d\d) UTC\) \|$/gm)];
  expect(rows).toHaveLength(5);
  for (const [row, zone, cron, day, time] of rows) {
    // The zone's day begins up to half a day earlier or later than the day in UTC.
    const shown = slots(
      cronTiming(cron!, zone!),
      new Date(Date.parse(`${day} UTC`) - 86_400_000).toISOString(),
      3,
    );
    const [slot] = shown.filter(
      (slot) => new Date(slot).toLocaleDateString("en-GB", { timeZone: zone!, dateStyle: "long" }) === day,
    );
    expect(slot?.slice(11), row).toBe(`${time}Z`);
  }
});

const changes = [
  ["Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z"],
  ["Europe/Berlin", "2026-10-24T12:00Z", "2026-10-26T12:00Z"],
  ["America/New_York", "2026-03-07T12:00Z", "2026-03-09T12:00Z"],
  ["America/New_York", "2026-10-31T12:00Z", "2026-11-02T12:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-05T00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-06T00:00Z"],
  ["Africa/Casablanca", "2026-02-14T12:00Z", "2026-02-16T12:00Z"],
  ["Africa/Casablanca", "2026-03-21T12:00Z", "2026-03-23T12:00Z"],
  ["America/Havana", "2026-03-07T12:00Z", "2026-03-09T12:00Z"],
  ["Asia/Kathmandu", "2026-05-01T00:00Z", "2026-05-03T00:00Z"],
] as const;
const clocks = changes.map(([zone, from, to]) => ({ zone, from, to, clock: wallMinutes(zone, from, to) }));

/** A field of a cron line, and what it names. */
const field = (size: number) =>
  fc.oneof(
    fc
      .uniqueArray(fc.nat({ max: size - 1 }), { minLength: 1, maxLength: 4 })
      .map((values) => ({ text: values.join(","), values, fixed: true })),
    fc
      .tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size - 1 }))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
      .map(([a, b]) => ({
        text: `${a}-${b}`,
        values: Array.from({ length: b - a + 1 }, (_, i) => a + i),
        fixed: true,
      })),
    fc.integer({ min: 1, max: size - 1 }).map((step) => ({
      text: step === 1 ? "*" : `*/${step}`,
      values: Array.from({ length: Math.ceil(size / step) }, (_, i) => i * step),
      fixed: false,
    })),
  );

test("the slots around every change of the clock are those of the rule, none more and none less, forwards and backwards", () => {
  fc.assert(
    fc.property(field(60), field(24), fc.nat({ max: clocks.length - 1 }), (minute, hour, change) => {
      const { zone, from, to, clock } = clocks[change]!;
      const timing = cronTiming(`${minute.text} ${hour.text} * * *`, zone);
      const expected = slotsByRule(
        clock,
        new Set(minute.values),
        new Set(hour.values),
        minute.fixed && hour.fixed,
      );
      const found: number[] = [];
      for (
        let slot = timing.after(new Date(Date.parse(from) - 1));
        slot !== undefined && slot.getTime() <= Date.parse(to);
        slot = timing.after(slot)
      )
        found.push(slot.getTime());
      expect(found).toEqual(expected);
      const index = Math.floor(expected.length / 2);
      if (expected.length > index + 1) {
        expect(timing.upTo(new Date(expected[index]!))!.getTime()).toBe(expected[index]);
        expect(timing.upTo(new Date(expected[index + 1]! - 1))!.getTime()).toBe(expected[index]);
      }
    }),
    { numRuns: 60 },
  );
});

test("the slots of an interval are its whole multiples since 1970, wherever one looks from", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 1e10 }), fc.integer({ min: 0, max: 4e12 }), (everyMs, time) => {
      const timing = timingOf({ cron: null, timeZone: null, everyMs: String(everyMs) });
      const [before, after] = [
        timing.upTo(new Date(time))!.getTime(),
        timing.after(new Date(time))!.getTime(),
      ];
      expect(before % everyMs).toBe(0);
      expect(before).toBeLessThanOrEqual(time);
      expect(after).toBeGreaterThan(time);
      expect(after - before).toBe(everyMs);
    }),
  );
});

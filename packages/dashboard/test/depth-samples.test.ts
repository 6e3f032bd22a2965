import { expect, test } from "vitest";
import { DepthSamples } from "../web/src/depth-samples.ts";

const begun = 1_800_000_000;
const mail = (at: number, ready: number) => ({ at, ready: new Map([["mail", ready]]) });

test("depth is kept for as long as the page is open: so many samples of each stretch, the latest always among them", () => {
  const samples = new DepthSamples([5, 1_440]);
  expect(samples.over(5)).toBeUndefined();
  // Two days, a look each four seconds.
  const looks = (2 * 86_400) / 4;
  for (let look = 0; look <= looks; look++) samples.add(mail(begun + look * 4, look));
  const end = begun + looks * 4;
  const short = samples.over(5)!;
  expect(short.times.length).toBe(75);
  expect(short.times[0]).toBe(end - 296);
  const day = samples.over(1_440)!;
  expect(day.times.length).toBeLessThanOrEqual(241);
  expect(end - day.times[0]!).toBeGreaterThan(86_000);
  for (const { since, broken, times, queues } of [short, day]) {
    expect([since, broken, times.at(-1)]).toEqual([begun, false, end]);
    expect(queues.get("mail")!.at(-1)).toBe(looks);
  }
});

test("where no sample came for a while the curve is broken, and a queue that was not there was empty", () => {
  const samples = new DepthSamples([5]);
  for (const sample of [mail(begun, 7), mail(begun + 4, 8)]) samples.add(sample);
  samples.add({
    at: begun + 104,
    ready: new Map([
      ["mail", 1],
      ["new", 3],
    ]),
  });
  const { broken, times, queues } = samples.over(5)!;
  expect(broken).toBe(true);
  expect(times).toEqual([begun, begun + 4, begun + 54, begun + 104]);
  expect(queues.get("mail")).toEqual([7, 8, null, 1]);
  expect(queues.get("new")).toEqual([0, 0, null, 3]);
});

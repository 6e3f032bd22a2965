import { Hosts } from "../hosts.ts";
import type { Options } from "../options.ts";
import type { Child } from "../processes/child.ts";
import { now } from "../processes/serve.ts";
import type { Sent } from "../processes/statements.ts";
import type { WorkerSettings } from "../processes/worker.ts";
import { type Outcome, shown } from "../report/outcome.ts";
import { percentile } from "../rounds.ts";
import { holdSnapshot } from "./snapshot.ts";

const perSecond = 2_000;

/** Ten minutes of a moderate flow under a held snapshot: whether claims get slower with the dead rows they pass. */
export async function longRun({ quick }: Options): Promise<Outcome> {
  const parts = 10;
  const partMs = quick ? 1_000 : 60_000;
  const { claims, startedAt } = await Hosts.use(async (hosts) => {
    const { url } = await hosts.host("pillion");
    const [worker] = (await hosts.workers("long")) as [Child];
    const producer = await hosts.producer("long");
    await worker.call("record");
    await producer.call("open", "pillion", url, "default");
    await worker.call("start", {
      system: "pillion",
      url,
      mode: "default",
      handler: "noop",
    } satisfies WorkerSettings);
    // Code is warm before the first minute counts.
    await producer.call("startFlow", perSecond, 5);
    await pause(Math.min(10_000, partMs));
    const release = await holdSnapshot(url);
    const startedAt = now();
    await pause(parts * partMs);
    await producer.call("stopFlow");
    await release();
    const claims = await worker.call<Sent[]>("claims");
    await worker.call("stop");
    await producer.call("close");
    return { claims, startedAt };
  });
  const ofPart = Array.from({ length: parts }, (_, part) =>
    claims.filter(({ at }) => Math.floor((at - startedAt) / partMs) === part).map(({ ms }) => ms),
  );
  if (ofPart.some((times) => times.length === 0)) throw new Error("A part of the run saw no claim.");
  const p95 = ofPart.map((times) => percentile(times, 0.95));
  return {
    tables: [
      {
        title: `Milliseconds that a claim takes, seen from the worker, at ${perSecond.toLocaleString("en")} jobs/s under a snapshot that is held all the time.`,
        head: ["part", "claims", "p50", "p95", "p99"],
        rows: ofPart.map((times, part) => [
          `${(part * partMs) / 1_000}–${((part + 1) * partMs) / 1_000} s`,
          times.length.toLocaleString("en"),
          ...[0.5, 0.95, 0.99].map((share) => shown(percentile(times, share))),
        ]),
      },
    ],
    chart: {
      title: "Claims under a snapshot held for ten minutes",
      unit: "milliseconds, p95 of each minute",
      along: "minute",
      lines: [{ name: "claim p95", points: p95.map((ms, part) => [part + 1, ms]) }],
    },
    checks: [
      { name: "p95 of claims in the last minute, in the first", value: p95.at(-1)! / p95[0]!, atMost: 2 },
    ],
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

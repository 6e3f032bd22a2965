import { createAdmin } from "@pillion/core/admin";
import { dashboard } from "@pillion/dashboard";
import pg from "pg";
import type { Options } from "../options.ts";
import { type Outcome, shown, type Table } from "../report/outcome.ts";
import { percentile } from "../rounds.ts";
import { type Host, startServer } from "../server.ts";
import { crowdOf, fill } from "./crowd.ts";
import { type Cost, DatabaseTime } from "./database-time.ts";
import { type Request, requestsOf } from "./requests.ts";

/** What is asked of each page, in milliseconds of database time. */
const mostMs = 200;

const arms = {
  "planned without statistics": "the statistics are those of the empty queue, and plans look at no parameter",
  "with fresh statistics": "after vacuum (analyze)",
};
type Arm = keyof typeof arms;
type Costs = ReadonlyMap<Request, readonly Cost[]>;

/** What each page of the board costs the database beside very many jobs. */
export async function dashboardBench({ quick, rounds: wanted }: Options): Promise<Outcome> {
  const [jobs, rounds] = quick ? [20_000, 2] : [1_000_000, wanted ?? 20];
  const crowd = crowdOf(jobs);
  const requests = requestsOf(crowd);
  const server = await startServer({
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    // Statistics are taken when the bench says so.
    autovacuum: "off",
  });
  let opened: DatabaseTime | undefined;
  try {
    const host = await server.host("pillion");
    const time = await DatabaseTime.of(server.url, host.url);
    opened = time;
    await fill(host.pool, crowd);
    await host.pool.query("vacuum");
    // As if they had been taken while the queue was empty.
    await host.pool.query(
      "update pg_class set reltuples = 0, relpages = 0 where relnamespace = 'pillion'::regnamespace and relkind in ('r', 'i')",
    );
    const found: Record<Arm, Costs> = {
      "planned without statistics": await measure(time, host, "force_generic_plan", requests, rounds),
      "with fresh statistics": await host.settle().then(() => measure(time, host, "auto", requests, rounds)),
    };
    return outcomeOf(found, jobs, rounds);
  } finally {
    await opened?.close();
    await server.close();
  }
}

/** Asks the board, as its page does, through connections that plan in this way. */
async function measure(
  time: DatabaseTime,
  host: Host,
  planCache: string,
  requests: readonly Request[],
  rounds: number,
): Promise<Costs> {
  const pool = new pg.Pool({
    connectionString: host.url,
    max: 4,
    options: `-c plan_cache_mode=${planCache}`,
  });
  const admin = createAdmin({ database: pool });
  const costs = new Map(requests.map((request) => [request, [] as Cost[]]));
  try {
    for (let round = -1; round < rounds; round++)
      for (const request of requests) {
        const path = request.path(Math.max(0, round) / rounds);
        // One of its own each time: nothing that was answered before is answered again.
        const board = dashboard({ admin, authorize: () => true });
        const cost = await time.during(async () => {
          const answer = await board(new Request(`http://board/${path}`));
          const none = request.what === "none";
          if (answer.status !== (none ? 404 : 200))
            throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        });
        if (round >= 0) costs.get(request)!.push(cost);
      }
  } finally {
    await admin.close();
    await pool.end();
  }
  return costs;
}

function outcomeOf(found: Readonly<Record<Arm, Costs>>, jobs: number, rounds: number): Outcome {
  const pages = [...new Set([...found["with fresh statistics"].keys()].map(({ page }) => page))];
  const worst = (arm: Arm, page: string, share: number) =>
    Math.max(
      ...[...found[arm]]
        .filter(([request]) => request.page === page)
        .map(([, costs]) =>
          percentile(
            costs.map(({ ms }) => ms),
            share,
          ),
        ),
    );
  return {
    tables: Object.keys(arms).map((arm) => tableOf(arm as Arm, found[arm as Arm], jobs, rounds)),
    chart: {
      title: `The dearest request of each page of the board, beside ${jobs.toLocaleString("en")} jobs`,
      unit: "ms of database time, p95",
      bars: pages.map((page) => ({ name: page, value: worst("with fresh statistics", page, 0.95) })),
    },
    peers: [],
    checks: pages.flatMap((page) =>
      (Object.keys(arms) as Arm[]).map((arm) => ({
        name: `${page}: ms of database time for its dearest request, p95, ${arm}`,
        value: worst(arm, page, 0.95),
        atMost: mostMs,
      })),
    ),
  };
}

function tableOf(arm: Arm, costs: Costs, jobs: number, rounds: number): Table {
  return {
    title: `What a request of the board's page costs the database beside ${jobs.toLocaleString("en")} jobs, ${rounds} times each, ${arm}: ${arms[arm]}.`,
    head: ["page", "request", "p50, ms", "p95, ms", "most, ms", "statements", "pages of 8 KiB"],
    rows: [...costs].map(([{ page, what }, each]) => {
      const ms = each.map((cost) => cost.ms);
      return [
        page,
        what,
        ...[0.5, 0.95, 1].map((share) => shown(percentile(ms, share))),
        String(Math.max(...each.map(({ statements }) => statements))),
        shown(Math.max(...each.map((cost) => cost.pages))),
      ];
    }),
  };
}

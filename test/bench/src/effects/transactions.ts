import { migrate } from "@pillion/core/migrate";
import { scratchSchema } from "@pillion/dev-postgres";
import { configure } from "@pillion/pg";
import pg from "pg";
import { Child } from "../processes/child.ts";
import { type Check, type Part, shown } from "../report/outcome.ts";
import { alternate, median, ratio, spread } from "../rounds.ts";
import type { Arm, Measured } from "./orm-process.ts";
import { placed } from "./placed.ts";

const orms = ["pg", "drizzle-orm", "kysely", "@prisma/client", "typeorm"];
const arms: readonly Arm[] = ["handler", "by hand", "no queue"];
const concurrency = 10;

interface Extent {
  readonly rounds: number;
  readonly jobs: number;
}

interface OfOrm {
  readonly name: string;
  readonly samples: Readonly<Record<Arm, readonly number[]>>;
}

interface Found extends Part {
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

/** What a transactional handler costs beside the transaction that one would write without it, in each ORM. */
export async function transactions(server: string, extent: Extent): Promise<Found> {
  const found: OfOrm[] = [];
  for (const orm of orms) found.push(await ofOrm(server, orm, extent));
  const checks: Check[] = found.flatMap(({ name, samples }) => [
    {
      name: `time of a transactional handler, in that of its transaction written by hand, ${name}`,
      value: ratio(samples["by hand"], samples.handler),
      atMost: 1.3,
    },
    {
      name: `time of a transactional handler, in that of the same write without a queue, ${name}`,
      value: ratio(samples["no queue"], samples.handler),
      atMost: 1.6,
    },
  ]);
  return {
    checks,
    bars: found.flatMap(({ name, samples }) =>
      arms.map((arm) => ({ name: `${name}, ${arm}`, value: median(samples[arm]) })),
    ),
    tables: [
      {
        title: `Transactions of one INSERT each, ${extent.jobs.toLocaleString("en")} in a round, ${concurrency} at a time.`,
        head: ["ORM", "arm", "transactions/s", "handler's time in it", "middle half"],
        rows: found.flatMap(({ name, samples }) =>
          arms.map((arm) => [
            name,
            arm,
            shown(median(samples[arm])),
            ratio(samples[arm], samples.handler).toFixed(2),
            spread(samples[arm], samples.handler),
          ]),
        ),
      },
    ],
  };
}

/** Transactions a second of each arm, round by round. */
async function ofOrm(server: string, orm: string, { rounds, jobs }: Extent): Promise<OfOrm> {
  const { name: schema, url, drop } = await scratchSchema(server, "bench");
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const child = Child.source(new URL("./orm-process.ts", import.meta.url));
  try {
    await migrate({ database: pool, schema });
    await pool.query("create table orders (id text primary key, total integer not null, customer text)");
    // One for the worker's claims, one to spare: the same pool for all arms.
    const name = await child.call<string>("open", orm, { url, schema, poolSize: concurrency + 2 });
    const samples = await alternate(arms, { rounds }, async (arm) => {
      const measured = { arm, concurrency, ...(await prepare(pool, schema, arm, jobs)) };
      const ms = await child.call<number>("measure", measured satisfies Measured);
      await check(pool, arm, jobs);
      return (jobs / ms) * 1_000;
    });
    await child.call("close");
    return { name, samples };
  } finally {
    child.end();
    await pool.end();
    await drop();
  }
}

/** The same rows stand in the tables before each arm; those of `by hand` are claimed already. */
async function prepare(pool: pg.Pool, schema: string, arm: Arm, jobs: number) {
  await pool.query("truncate orders, job, archive, attempt, batch");
  const client = await pool.connect();
  await client.query("begin");
  const all = Array.from({ length: jobs }, (_, order) => placed({ order }));
  const ids = (await configure({ schema }).enqueueMany(client, all)).map(({ id }) => id);
  await client.query("commit");
  client.release();
  const claim = "1";
  if (arm === "by hand")
    await pool.query(
      "update job set state = 'running', attempt = 1, claim = $1, worker = 1, started_at = statement_timestamp()",
      [claim],
    );
  await pool.query("vacuum (analyze)");
  // Only a superuser may.
  await pool.query("checkpoint").catch(() => {});
  return { ids, claim };
}

/** @throws Error where an arm has not written what it was measured for */
async function check(pool: pg.Pool, arm: Arm, jobs: number): Promise<void> {
  const { rows } = await pool.query<{ orders: number; completed: number }>(
    `select (select count(*)::int from orders) as orders,
       (select count(*)::int from archive where state = 'completed' and started_at is not null) as completed`,
  );
  const { orders, completed } = rows[0]!;
  if (orders !== jobs || completed !== (arm === "no queue" ? 0 : jobs))
    throw new Error(`"${arm}" of ${jobs} jobs has written ${orders} orders and completed ${completed} jobs.`);
}

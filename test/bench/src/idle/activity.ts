import pg from "pg";

// Looked at from another database, so that looking is not counted.

/** Transactions that ended in a database since it was made. */
export async function transactionsOf(server: string, database: string): Promise<number> {
  return looking(server, async (client) => {
    const { rows } = await client.query<{ count: string }>(
      "select xact_commit + xact_rollback as count from pg_stat_database where datname = $1",
      [nameOf(database)],
    );
    return Number(rows[0]!.count);
  });
}

/** How many of some looks, over a time, met a connection of the database idle in an open transaction. */
export async function openTransactions(server: string, database: string, forMs: number): Promise<number> {
  return looking(server, async (client) => {
    const until = performance.now() + forMs;
    let met = 0;
    while (performance.now() < until) {
      const { rowCount } = await client.query(
        // In a transaction since before the last statement ended: a round trip under way is not left open.
        `select from pg_stat_activity
         where datname = $1 and state like 'idle in transaction%' and state_change < clock_timestamp() - interval '100 ms'`,
        [nameOf(database)],
      );
      if (rowCount! > 0) met++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return met;
  });
}

function nameOf(database: string): string {
  return new URL(database).pathname.slice(1);
}

async function looking<Value>(server: string, act: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

import pg from "pg";

/** What statements have cost the server. */
export interface Cost {
  readonly statements: number;
  /** Planning and execution. */
  readonly ms: number;
  /** Pages of 8 KiB that were looked at. */
  readonly pages: number;
}

/** Reads `pg_stat_statements`, from beside the database that it watches. */
export class DatabaseTime {
  private constructor(
    readonly client: pg.Client,
    readonly database: string,
  ) {}

  /** @throws Error where the server has not loaded it */
  static async of(serverUrl: string, watchedUrl: string): Promise<DatabaseTime> {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query("create extension if not exists pg_stat_statements");
    const { rows } = await client.query(
      "select current_setting('pg_stat_statements.track_planning', true) as planning",
    );
    if (rows[0].planning !== "on")
      throw new Error(
        "The bench reads pg_stat_statements: start the server with shared_preload_libraries=pg_stat_statements and pg_stat_statements.track_planning=on.",
      );
    return new DatabaseTime(client, new URL(watchedUrl).pathname.slice(1));
  }

  /** What `act` has the server do in the watched database. */
  async during(act: () => Promise<unknown>): Promise<Cost> {
    await this.client.query("select pg_stat_statements_reset()");
    await act();
    const { rows } = await this.client.query(
      `select sum(calls)::int as statements, sum(total_plan_time + total_exec_time) as ms, sum(shared_blks_hit + shared_blks_read)::int as pages
       from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1`,
      [this.database],
    );
    const { statements, ms, pages } = rows[0];
    return { statements: statements ?? 0, ms: ms ?? 0, pages: pages ?? 0 };
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

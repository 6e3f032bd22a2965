import { type ScratchDatabase, scratchDatabase, startPostgres } from "@pillion/dev-postgres";
import pg from "pg";
import type { Mode, Producer, System, SystemName } from "./arms/arm.ts";
import { systemOf } from "./arms/index.ts";

/** A server with Postgres' default settings, or the one on DATABASE_URL; everything on it goes when the bench ends. */
export interface Server {
  readonly url: string;
  /** A database of its own with the system's tables in it. */
  host(name: SystemName): Promise<Host>;
  close(): Promise<void>;
}

/** A system in a database of its own. */
export interface Host {
  readonly system: System;
  readonly url: string;
  readonly pool: pg.Pool;
  /** Puts jobs in, ready to run, by the system's own call for many. */
  fill(mode: Mode, jobs: number): Promise<void>;
  /** Evens out what came before: dead rows are gone, statistics are fresh, dirty pages are on the disk. */
  settle(): Promise<void>;
}

/** @param settings what this bench needs besides Postgres' default settings; one on DATABASE_URL has its own */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const postgres = process.env.DATABASE_URL ? undefined : await startPostgres({ settings });
  const url = postgres?.url ?? process.env.DATABASE_URL!;
  const open: { pool: pg.Pool; database: ScratchDatabase; producers: Map<Mode, Producer> }[] = [];
  return {
    url,
    async host(name) {
      const database = await scratchDatabase(url, "bench");
      const system = await systemOf(name);
      await system.prepare(database.url);
      const pool = new pg.Pool({ connectionString: database.url, max: 4 });
      const producers = new Map<Mode, Producer>();
      open.push({ pool, database, producers });
      return {
        system,
        url: database.url,
        pool,
        async fill(mode, jobs) {
          if (!producers.has(mode)) producers.set(mode, await system.produce(database.url, mode));
          const client = await pool.connect();
          for (let first = 0; first < jobs; first += 10_000) {
            const batch = Math.min(10_000, jobs - first);
            await client.query("begin");
            await producers.get(mode)!.many(
              client,
              Array.from({ length: batch }, (_, index) => first + index),
            );
            await client.query("commit");
          }
          client.release();
        },
        async settle() {
          await pool.query("vacuum (analyze)");
          // Only a superuser may.
          await pool.query("checkpoint").catch(() => {});
        },
      };
    },
    async close() {
      for (const { pool, database, producers } of open) {
        for (const producer of producers.values()) await producer.close();
        await pool.end();
        await database.drop();
      }
      await postgres?.stop();
    },
  };
}

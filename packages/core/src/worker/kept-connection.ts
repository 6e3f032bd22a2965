import type { Pool, PoolClient, QueryConfig } from "pg";
import type { Row } from "../statement.ts";

/**
 * One of a pool's connections, kept for the statements that a worker sends all the time: each is sooner sent than where
 * it has to ask the pool for one. While it is in use, the pool gives others.
 */
export class KeptConnection {
  #client: PoolClient | undefined;
  #inUse = false;

  constructor(private readonly pool: Pool) {}

  async query(config: QueryConfig): Promise<readonly Row[]> {
    if (this.#inUse) return (await this.pool.query<Row>(config)).rows;
    this.#inUse = true;
    try {
      this.#client ??= await this.#take();
      return (await this.#client.query<Row>(config)).rows;
    } catch (error) {
      // Whatever state it is in, nobody gets it again.
      this.#release(true);
      throw error;
    } finally {
      this.#inUse = false;
    }
  }

  /** Gives it back to the pool, whose end waits for it. */
  giveBack(): void {
    this.#release(false);
  }

  async #take(): Promise<PoolClient> {
    const client = await this.pool.connect();
    client.on("error", () => {
      if (this.#client === client) this.#release(true);
    });
    return client;
  }

  #release(broken: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    client?.release(broken);
  }
}

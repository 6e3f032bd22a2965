import pg from "pg";
import type { Place } from "../shop.ts";

/** How many connections a shop has. */
export const connections = 4;

/** A pool as an application keeps it: connections that the demo kills are noticed, not fatal. */
export function openPool({ url, Client }: Place): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: connections, Client });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

import type { Session } from "../database.ts";
import { sqlStateOf } from "../errors.ts";
import type { Connected } from "./patient.ts";

/** What stands between a connection and the server, and for how long it lends the server's processes. */
export type Pooling =
  | { readonly mode: "direct" }
  /** For as long as the connection is open; `full` where no other had a process left. */
  | { readonly mode: "session"; readonly full: boolean }
  /** For a transaction; `seen`: how that showed. */
  | { readonly mode: "transaction"; readonly seen: string }
  /** For a statement: transactions are refused. */
  | { readonly mode: "statement" }
  | { readonly mode: "unknown"; readonly because: string };

const rounds = 5;

/**
 * A pooler says nothing of its mode, but it shows: by which process of the server answers one connection while
 * another one holds a transaction open. Each round leaves the pooler the choice anew, since others are served meanwhile.
 *
 * @param waitMs for how long to wait for a process of the server's, all of which may be lent
 */
export async function poolingOf({ session, beside }: Connected, waitMs: number): Promise<Pooling> {
  if (session.process === undefined) return { mode: "direct" };
  const mine = await processOf(session);
  if (mine === String(session.process)) return { mode: "direct" };
  let other: Session;
  try {
    other = await beside();
  } catch (error) {
    return unknown(error);
  }
  const begun = begin(other);
  try {
    if ((await within(waitMs, begun)) === undefined) return await whileFull(session, mine, waitMs);
    for (let round = 1; ; round++) {
      if ((await processOf(other)) === mine) return lent(mine, "another one");
      const now = await processOf(session);
      if (now !== mine) return lent(mine, `process ${now} the same one afterwards`);
      if (round === rounds) return { mode: "session", full: false };
      await other.query("rollback");
      // So that it is the one that the pooler has lent last.
      await processOf(session);
      await begin(other);
    }
  } catch (error) {
    // PgBouncer ends the connection with it.
    if (sqlStateOf(error) === "08P01" && /statement pooling/.test(String(error)))
      return { mode: "statement" };
    return unknown(error);
  } finally {
    // Its transaction ends with it.
    await other.close();
  }
}

/** The other one waits for a process: who is served all the same, by the same one, has it for itself. */
async function whileFull(session: Session, mine: string, waitMs: number): Promise<Pooling> {
  const now = await within(waitMs, processOf(session));
  if (now === mine) return { mode: "session", full: true };
  if (now !== undefined) return lent(mine, `process ${now} the same one afterwards`);
  return { mode: "unknown", because: `for ${waitMs} ms it had no process of the server's left to lend` };
}

function lent(process: string, then: string): Pooling {
  return { mode: "transaction", seen: `process ${process} answers one connection, and ${then}` };
}

async function begin(session: Session): Promise<true> {
  await session.query("begin isolation level read committed read only");
  return true;
}

async function processOf(session: Session): Promise<string> {
  return (await session.query("select pg_backend_pid()::text as process"))[0]!.process!;
}

/** What it resolves to, or undefined where that takes longer. What becomes of it afterwards nobody asks. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  promise.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unknown(error: unknown): Pooling {
  return { mode: "unknown", because: error instanceof Error ? error.message : String(error) };
}

import { randomInt } from "node:crypto";
import { type Row, sql } from "../../statement.ts";
import { type Check, reading } from "../patient.ts";

/**
 * Whether the application and the queue are in one and the same database. A lock that the one holds and the other
 * cannot get says so, which a server's identifier does not: a replica, or a copy of the disk, has the same.
 */
export const sameDatabaseCheck: Check = {
  name: "whether the application's database is the queue's",
  needs: "application",
  async look({ session, application, limits: { statementMs } }) {
    const key = String(randomInt(2 ** 47));
    const [ours, theirs] = await reading(session, statementMs, async (read) => {
      const [ours] = await read(lock, key);
      const [theirs] = await reading(application!, statementMs, (readThere) => readThere(lock, key));
      return [ours!, theirs!] as const;
    });
    if (theirs.got === "false") return [];
    return [
      {
        code: "OTHER_DATABASE",
        severity: "critical",
        what: `The application's database is ${place(theirs)}; the queue's is ${place(ours)}.`,
        why: "A job and the rows it is about are not one commit: one can exist without the other, or nothing is ever run.",
        mend: "npx pillion migrate --database <the application's URL>  # and give workers that URL",
      },
    ];
  },
};

const lock = sql<string>`
select pg_try_advisory_xact_lock(${(key) => key}::text::bigint)::text as got, current_database()::text as name,
  host(inet_server_addr()) as host, inet_server_port()::text as port, pg_is_in_recovery()::text as replica`;

function place({ name, host, port, replica }: Row): string {
  return `"${name}" at ${host === null ? "a local socket" : `${host}:${port}`}${replica === "true" ? " (a replica)" : ""}`;
}

import { randomBytes } from "node:crypto";
import { sql } from "../../statement.ts";
import type { Check } from "../patient.ts";

/** Whether this connection leads to the server itself, and a commit can wake who listens on it. */
export const listenCheck: Check = {
  name: "poolers, and LISTEN",
  needs: "primary",
  async look({ session, read, limits }) {
    const process = (await read(backend, undefined))[0]!.process;
    if (session.process !== undefined && String(session.process) !== process)
      return [
        {
          code: "POOLED",
          severity: "info",
          what: "A pooler stands between this connection and the server: the process that answers is not the one that was connected to.",
          why: "Pillion works through it, but a commit wakes no worker there: a worker without `listen` polls, and idle ones start a job up to 1.2 s later.",
          mend: "Give workers `listen`, a URL that leads to the server itself: docs/poolers.md.",
        },
      ];
    // On a connection that a pooler lends nobody may listen: the next who gets it would.
    const channel = `pillion_doctor_${randomBytes(6).toString("hex")}`;
    let hear = (_heard: boolean) => {};
    const heard = new Promise<boolean>((resolve) => {
      hear = resolve;
    });
    session.onNotification((_payload, on) => on === channel && hear(true));
    const timer = setTimeout(hear, limits.statementMs, false);
    try {
      await session.query(`listen ${channel}`);
      await session.query(`notify ${channel}`);
      if (await heard) return [];
    } finally {
      clearTimeout(timer);
      await session.query(`unlisten ${channel}`).catch(() => {});
    }
    return [
      {
        code: "LISTEN_FAILS",
        severity: "warning",
        what: `A NOTIFY that this connection sent to itself has not come back within ${limits.statementMs} ms.`,
        why: "Something between here and the server loses notifications: a commit wakes no worker, and idle ones start a job up to 1.2 s later.",
        mend: "Give workers `listen`, a URL that leads to the server itself, or `listen: false`: docs/poolers.md.",
      },
    ];
  },
};

const backend = sql`select pg_backend_pid()::text as process`;

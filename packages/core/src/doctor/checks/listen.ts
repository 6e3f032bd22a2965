import { randomBytes } from "node:crypto";
import type { Session } from "../../database.ts";
import { duration } from "../figures.ts";
import type { Check } from "../patient.ts";

/** Whether a commit can wake who listens on this connection. */
export const listenCheck: Check = {
  name: "LISTEN",
  needs: "primary",
  async look({ session, pooling, limits }) {
    // On a connection that a pooler lends to others nobody may listen: the next who gets it would. That is a finding already.
    if (pooling.mode !== "direct" && pooling.mode !== "session") return [];
    if (!(await hears(session, limits.statementMs)))
      return [
        {
          code: "LISTEN_FAILS",
          severity: "warning",
          what: `A NOTIFY that this connection sent to itself has not come back within ${duration(limits.statementMs)}.`,
          why: "Something between here and the server loses notifications: a commit wakes no worker, and idle ones start a job up to 1.2 s later.",
          mend: "Give workers `listen`, a URL that leads to the server itself, or `listen: false`: docs/poolers.md.",
        },
      ];
    if (pooling.mode === "direct") return [];
    return [
      {
        code: "POOLED_BY_SESSION",
        severity: "info",
        what: `A pooler in session mode stands between this connection and the server; LISTEN works through it.${pooling.full ? " All that it has to lend is lent: another connection waits." : ""}`,
        why: "A worker that finds a pooler between does not listen through its `database`, since it cannot rely on the mode: without `listen` it polls, and starts a job up to 1.2 s later. Each connection that is open keeps one of the pooler's.",
        mend: "Give workers this URL as `listen` too, and let the pooler have a connection for each: docs/poolers.md.",
      },
    ];
  },
};

/** Whether what this connection is told comes through, within that time. */
async function hears(session: Session, ms: number): Promise<boolean> {
  const channel = `pillion_doctor_${randomBytes(6).toString("hex")}`;
  let hear = (_heard: boolean) => {};
  const heard = new Promise<boolean>((resolve) => {
    hear = resolve;
  });
  session.onNotification((_payload, on) => on === channel && hear(true));
  const timer = setTimeout(hear, ms, false);
  try {
    await session.query(`listen ${channel}`);
    await session.query(`notify ${channel}`);
    return await heard;
  } finally {
    clearTimeout(timer);
    await session.query(`unlisten ${channel}`).catch(() => {});
  }
}

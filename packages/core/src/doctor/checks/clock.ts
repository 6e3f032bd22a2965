import { sql } from "../../statement.ts";
import { duration } from "../figures.ts";
import { type Check, reading } from "../patient.ts";

/** Whether this machine's clock and the database's say the same. */
export const clockCheck: Check = {
  name: "the clocks",
  needs: "server",
  async look({ session, limits }) {
    const skewMs = await reading(session, limits.statementMs, async (read) => {
      const before = Date.now();
      const theirs = Number((await read(clock, undefined))[0]!.ms);
      const after = Date.now();
      // What lies within the statement's own time may be the way there.
      return theirs < before ? theirs - before : Math.max(0, theirs - after);
    });
    if (Math.abs(skewMs) < Math.max(limits.skewMs, 1)) return [];
    return [
      {
        code: "CLOCK_SKEW",
        severity: "warning",
        what: `This machine's clock is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? "behind" : "ahead of"} the database's.`,
        why: "Pillion goes by the database's clock alone; a `runAt` or `startBefore` that the application works out by its own is off by as much.",
        mend: "timedatectl set-ntp true  # on this machine; or let jobs say `delayMs` instead of `runAt`",
      },
    ];
  },
};

const clock = sql`select (extract(epoch from clock_timestamp()) * 1000)::text as ms`;

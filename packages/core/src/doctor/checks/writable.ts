import { sql } from "../../statement.ts";
import type { Check } from "../patient.ts";

/** A replica, or a database that somebody has set to read only. */
export const writableCheck: Check = {
  name: "whether the database can be written to",
  needs: "server",
  async look({ read }) {
    const [row] = await read(writable, undefined);
    if (row!.recovery === "false" && row!.read_only === "off") return [];
    const replica = row!.recovery === "true";
    return [
      {
        code: "READ_ONLY",
        severity: "critical",
        what: replica
          ? `The server of the database "${row!.database}" is a replica.`
          : `Connections of role "${row!.role}" to the database "${row!.database}" are read only.`,
        why: "Nothing can be enqueued or run through this connection.",
        mend: replica
          ? "npx pillion doctor --database <the URL of the primary server>"
          : `alter database ${row!.quoted} reset default_transaction_read_only;`,
      },
    ];
  },
};

const writable = sql`
select pg_is_in_recovery()::text as recovery, current_setting('default_transaction_read_only') as read_only,
  current_database()::text as database, quote_ident(current_database()) as quoted, current_user::text as role`;

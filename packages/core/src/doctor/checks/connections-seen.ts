import { sql } from "../../statement.ts";
import type { Check } from "../patient.ts";

/** Whether the role sees what connections of other roles do: two checks would else find nothing, and say so. */
export const connectionsSeenCheck: Check = {
  name: "what connections do",
  needs: "server",
  async look({ read }) {
    const [row] = await read(sees, undefined);
    if (row!.sees === "true") return [];
    return [
      {
        code: "CANNOT_LOOK",
        severity: "warning",
        what: `Not looked at: what connections of other roles do, because role "${row!.role}" may not see it.`,
        why: "Who holds the xmin horizon, and who is idle in a transaction, is known of its own connections only.",
        mend: `grant pg_read_all_stats to ${row!.quoted};`,
      },
    ];
  },
};

const sees = sql`
select pg_has_role(current_user, 'pg_read_all_stats', 'usage')::text as sees, current_user::text as role, quote_ident(current_user) as quoted`;

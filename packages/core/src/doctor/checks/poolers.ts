import type { Finding } from "../finding.ts";
import type { Check } from "../patient.ts";

/** What stands between the server and who uses the queue: LISTEN through a pooler in session mode is another check's. */
export const poolersCheck: Check = {
  name: "poolers, and their mode",
  needs: "connection",
  async look({ pooling, applicationPooling }) {
    const findings: Finding[] = [];
    if (pooling.mode === "transaction")
      findings.push({
        code: "POOLED_BY_TRANSACTION",
        severity: "info",
        what: `A pooler in transaction mode stands between this connection and the server: ${pooling.seen}. LISTEN does not work through it.`,
        ...deaf,
      });
    if (pooling.mode === "unknown")
      findings.push({
        code: "POOLED",
        severity: "info",
        what: `A pooler stands between this connection and the server; its mode cannot be told: ${pooling.because}.`,
        ...deaf,
      });
    const refused =
      pooling.mode === "statement"
        ? "this connection"
        : applicationPooling?.mode === "statement" && "the application's connection";
    if (refused)
      findings.push({
        code: "POOLED_BY_STATEMENT",
        severity: "critical",
        what: `A pooler in statement mode stands between ${refused} and the server: it refuses transactions.`,
        why: "Nothing can be enqueued in a transaction there, no handler can write in one, and what this diagnosis reads in one is not looked at.",
        mend: "pool_mode = transaction  # in pgbouncer.ini, or of this database there; then RELOAD; in its console",
      });
    return findings;
  },
};

/** What comes of a pooler through which nobody can listen. */
const deaf = {
  why: "Pillion works through it, but a commit wakes no worker there: a worker without `listen` polls, and an idle one starts a job up to 1.2 s later.",
  mend: 'npx pillion doctor --database "$DIRECT_URL"  # finds nothing where that URL leads to the server itself: give it to workers as `listen`, docs/poolers.md',
};

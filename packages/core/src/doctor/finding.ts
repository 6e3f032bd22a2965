/** How bad it is: jobs are late or lost to view; it will get bad; it is worth knowing. */
export type Severity = "critical" | "warning" | "info";

/** What was found, for programs: stable across releases. */
export type FindingCode =
  | "SCHEMA_MISSING"
  | "SCHEMA_OLDER"
  | "SCHEMA_NEWER"
  | "SCHEMA_HALF"
  | "SCHEMA_SHARED"
  | "TOOL_SEES_QUEUE"
  | "READ_ONLY"
  | "OTHER_DATABASE"
  | "HORIZON_HELD"
  | "HORIZON_HELD_BY_PREPARED"
  | "HORIZON_HELD_BY_SLOT"
  | "HORIZON_HELD_BY_STANDBY"
  | "IDLE_IN_TRANSACTION"
  | "DEAD_ROWS"
  | "BLOAT"
  | "INVALID_INDEX"
  | "AUTOVACUUM_OFF"
  | "AUTOVACUUM_OFF_FOR_TABLE"
  | "AUTOVACUUM_RARE"
  | "POOLED_BY_TRANSACTION"
  | "POOLED_BY_SESSION"
  | "POOLED_BY_STATEMENT"
  | "POOLED"
  | "LISTEN_FAILS"
  | "CLOCK_SKEW"
  | "NO_WORKER"
  | "WORKER_SILENT"
  | "NAME_UNHANDLED"
  | "QUEUE_LATE"
  | "QUEUE_PAUSED"
  | "RIGHT_MISSING"
  | "PARTITION_MISSING"
  | "DEFAULT_PARTITION_USED"
  | "CANNOT_LOOK";

/** One thing that is not as it should be. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What is so, with the figures. */
  readonly what: string;
  /** What comes of it. */
  readonly why: string;
  /** The command that mends it: of a shell, or SQL, which ends in a semicolon. */
  readonly mend: string;
}

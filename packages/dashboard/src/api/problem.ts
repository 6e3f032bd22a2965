export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  /** What happened and what to do next, for people. Plain text, which may hold what users have typed. */
  readonly detail: string;
  readonly code: ProblemCode;
}
export type ProblemCode =
  /** 400: the query, the filter, the id, the body's fields. */
  | "INVALID_REQUEST"
  /** 400: the body is not JSON; 415: nor says that it is. */
  | "NOT_JSON"
  /** 401 */
  | "UNAUTHORIZED"
  /** 403 */
  | "READ_ONLY"
  | "CROSS_SITE"
  | "VALUES_FORBIDDEN"
  /** 403: the board's database role may not do this. */
  | "MISSING_RIGHT"
  /** 404: no such route; no such job, or none any more; no such schedule; the group is gone. */
  | "NOT_FOUND"
  | "NO_SUCH_JOB"
  | "NO_SUCH_SCHEDULE"
  | "NO_SUCH_GROUP"
  /** 405 */
  | "METHOD_NOT_ALLOWED"
  /** 413 */
  | "TOO_LARGE"
  /** 503, with Retry-After: ask again, it may be back. */
  | "DATABASE_AWAY"
  /** 503: missing, older or newer. */
  | "SCHEMA_OUTDATED"
  /** 500: it is in the server's log. */
  | "FAILED";

import type { OwnConnection } from "../database.ts";

interface PgPool {
  readonly Client: NonNullable<OwnConnection["Client"]>;
  readonly options: Readonly<Record<string, unknown>>;
}

interface PgClient {
  readonly connectionParameters: Readonly<Record<string, unknown>>;
  readonly password: unknown;
}

/**
 * How to open one more connection like those of a pg Pool, or like a pg Client: by the copy of pg that it is of, and
 * with all that it was given. Undefined for anything else.
 */
export function pgConnection(of: unknown): OwnConnection | undefined {
  if (typeof of !== "object" || of === null) return undefined;
  if ("totalCount" in of && "options" in of && "Client" in of) {
    const { Client, options } = of as unknown as PgPool;
    // pg hides passwords from whoever enumerates.
    return { Client, options: { ...options, password: options.password } };
  }
  if ("connectionParameters" in of && "escapeIdentifier" in of) {
    const { connectionParameters, password } = of as unknown as PgClient;
    return {
      Client: of.constructor as PgPool["Client"],
      options: { ...connectionParameters, password },
    };
  }
  return undefined;
}

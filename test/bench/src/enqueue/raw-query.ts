import type { Statement } from "@pillion/core/adapter";
import { sql } from "drizzle-orm";
import { CompiledQuery } from "kysely";

/** How each ORM runs a statement of the user's own with parameters, as its documentation shows it. */
// biome-ignore lint/suspicious/noExplicitAny: one map over the handles of all ORMs
export const rawQuery: Record<string, (tx: any, statement: Statement) => Promise<unknown>> = {
  pg: (tx, { text, values }) => tx.query(text, values),
  typeorm: (tx, { text, values }) => tx.query(text, values),
  "drizzle-orm": (tx, { pieces, values }) => tx.execute(sql(pieces, ...values)),
  kysely: (tx, { text, values }) => tx.executeQuery(CompiledQuery.raw(text, [...values])),
  "@prisma/client": (tx, { pieces, values }) => tx.$queryRaw(pieces, ...values),
};

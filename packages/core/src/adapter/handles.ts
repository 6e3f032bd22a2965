import { isJobType } from "../job/type.ts";
import { isAmbient } from "./ambient.ts";

/**
 * Says in words what a handle is, by its shape alone: every ORM's handle can be passed to every adapter by
 * mistake, and the error must name what was passed. Undefined where the shape tells nothing.
 */
export function describeHandle(value: unknown): string | undefined {
  if (value === undefined) return "nothing (undefined)";
  if (value === null) return "null";
  if (typeof value !== "object" && typeof value !== "function")
    return `a ${typeof value} (${String(value).slice(0, 40)})`;
  const has = (...names: string[]) => names.every((name) => typeof get(value, name) === "function");
  if (isAmbient(value)) return "an ambient transaction";
  if (has("then")) return "a promise: await it first";
  if (isJobType(value) || isJobType(get(value, "type")))
    return "a job, which comes second: the transaction is the first argument";
  if (get(value, "isTransaction") === true && has("executeQuery"))
    return "a Kysely transaction (@pillion/kysely)";
  if (has("executeQuery", "selectFrom")) return "a Kysely instance, which is not a transaction";
  if (has("selectDistinctOn", "execute"))
    return has("rollback")
      ? "a Drizzle transaction (@pillion/drizzle)"
      : "a Drizzle database, which is not a transaction";
  if (has("$queryRawUnsafe"))
    return get(value, "$connect") === undefined
      ? "a Prisma transaction client (@pillion/prisma)"
      : "a Prisma client, which is not a transaction";
  if (has("createQueryRunner", "initialize")) return "a TypeORM DataSource, which is not a transaction";
  if (has("findOneBy", "createQueryBuilder") && typeof get(value, "manager") === "object")
    return "a TypeORM Repository, which is not a transaction";
  if (has("getRepository", "transaction")) return "a TypeORM EntityManager (@pillion/typeorm)";
  if (has("startTransaction", "query", "release")) return "a TypeORM QueryRunner (@pillion/typeorm)";
  if (has("savepoint", "unsafe")) return "a postgres.js transaction";
  if (has("unsafe", "begin")) return "a postgres.js connection, which is not a transaction";
  if (has("raw", "commit", "rollback") && typeof value === "function") return "a Knex transaction";
  if (has("connect", "query", "end"))
    return get(value, "totalCount") === undefined
      ? "a pg Client (@pillion/pg)"
      : "a pg Pool, which is not a transaction";
  if (typeof value === "function") return "a function";
  const { name } = (get(value, "constructor") ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" && name !== "Object"
    ? `an object of class ${name.slice(0, 40)}`
    : undefined;
}

function get(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

import { migrations } from "../../migrate/migrations.ts";
import type { Schema } from "../../postgres/schema.ts";
import { sql } from "../../statement.ts";
import { literal } from "../figures.ts";
import type { Check } from "../patient.ts";

interface Right {
  readonly kind: string;
  readonly privilege: string;
  readonly type: "table" | "sequence" | "function" | "schema";
  readonly object: string;
  /** Of a table; null for all of it. */
  readonly column: string | null;
}

/** By which right it is known that a role was allowed to be of a kind. */
const marks: Readonly<Record<string, string>> = {
  enqueuer: "enqueue_one",
  worker: "step",
  operator: "pause",
  reader: "find_jobs",
  tester: "enqueued_here",
};

/** Roles that were allowed something, and lack a part of it: most often after an upgrade. */
export const rightsCheck: Check = {
  name: "rights of the roles",
  needs: "queue",
  async look({ read, schema }) {
    return (await read(missingRights(schema), allowed())).map(({ role, kind, missing }) => ({
      code: "RIGHT_MISSING",
      severity: "critical",
      what: `The role "${role}" is allowed to be ${kind === "enqueuer" || kind === "operator" ? "an" : "a"} ${kind}, and lacks: ${missing}.`,
      why: "What it does with these fails with SQLSTATE 42501.",
      mend: `select ${schema.quoted}.allow(${literal(role!)}, '${kind}');`,
    }));
  },
};

/** Roles that have the mark of a kind by a grant of their own, and what they lack of the rest. */
const missingRights = (schema: Schema) => sql<readonly Right[]>`
with wanted as (
  select r.*, case r.type
    when 'function' then (select p.oid from pg_proc p where p.pronamespace = to_regnamespace('${schema.quoted}') and p.proname = r.object limit 1)
    when 'schema' then to_regnamespace('${schema.quoted}')::oid
    else (select c.oid from pg_class c where c.relnamespace = to_regnamespace('${schema.quoted}') and c.relname = r.object) end as oid
  from json_to_recordset(${(rights) => JSON.stringify(rights)}::text::json) r(kind text, privilege text, type text, object text, "column" text)
), given as (
  select distinct g.rolname::text as role, g.oid as role_oid, m.key as kind
  from json_each_text(${() => JSON.stringify(marks)}::text::json) m
  join pg_proc p on p.pronamespace = to_regnamespace('${schema.quoted}') and p.proname = m.value
  cross join lateral aclexplode(p.proacl) a join pg_roles g on g.oid = a.grantee
  where a.grantee <> p.proowner
), missing as (
  select g.role, g.kind, concat(w.privilege, ' on ', w.type, ' ' || nullif(w.object, ''), ' (' || w."column" || ')') as right
  from given g join wanted w on w.kind = g.kind and w.oid is not null
  where not case w.type
    when 'function' then has_function_privilege(g.role_oid, w.oid, w.privilege)
    when 'schema' then has_schema_privilege(g.role_oid, w.oid, w.privilege)
    when 'sequence' then has_sequence_privilege(g.role_oid, w.oid, w.privilege)
    else case when w."column" is null then has_table_privilege(g.role_oid, w.oid, w.privilege)
      else has_column_privilege(g.role_oid, w.oid, w."column", w.privilege) end end
)
select role, kind, string_agg("right", ', ' order by "right") as missing from missing group by role, kind order by role, kind limit 20`;

/** What `allow` gives each kind, by its text in the migrations: the latest one counts. */
function allowed(): Right[] {
  const text = migrations
    .map(({ sql }) => /function pillion\.allow\([\s\S]*?\nend \$\$;/.exec(sql)?.[0])
    .findLast((found) => found !== undefined)!
    .replaceAll(/--.*$/gm, "");
  return Object.keys(marks).flatMap((kind) => {
    const array = new RegExp(`when '${kind}' then array\\[([\\s\\S]*?)\\]\\s*(?:when|end)`).exec(text)![1]!;
    const grants = [...array.matchAll(/'([^']*)'/g)].flatMap(([, grant]) => rightsOf(kind, grant!));
    return [{ kind, privilege: "usage", type: "schema", object: "", column: null } as const, ...grants];
  });
}

/** "select, insert (a, b) on pillion.x, pillion.y", taken apart. */
function rightsOf(kind: string, grant: string): Right[] {
  const [, privileges, word, objects] = /^([\s\S]*?) on (sequence |function )?([\s\S]*)$/.exec(grant)!;
  const type = word === undefined ? "table" : (word.trim() as "sequence" | "function");
  return [...privileges!.matchAll(/(\w+)(?:\s*\(([^)]*)\))?/g)].flatMap(([, privilege, columns]) =>
    objects!.split(",").flatMap((object) =>
      (columns?.split(",") ?? [null]).map((column) => ({
        kind,
        privilege: privilege!,
        type,
        object: object.trim().replace("pillion.", ""),
        column: column?.trim() ?? null,
      })),
    ),
  );
}

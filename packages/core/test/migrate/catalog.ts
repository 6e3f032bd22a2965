import type pg from "pg";

// Each query answers the definitions of one kind of object in the schema $1.
const queries: Record<string, string> = {
  Types: `
    select format('create type %s as enum (%s);', format_type(t.oid, null), string_agg(quote_literal(enumlabel), ', ' order by enumsortorder))
    from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = $1::regnamespace group by t.oid`,
  Sequences: `
    select format('create sequence %s as %s start %s increment %s cache %s;', seqrelid::regclass, format_type(seqtypid, null), seqstart, seqincrement, seqcache)
    from pg_sequence join pg_class c on c.oid = seqrelid where c.relnamespace = $1::regnamespace`,
  Tables: `
    select format(E'create %stable %s (\\n%s\\n)%s%s;', case c.relpersistence when 'u' then 'unlogged ' end, c.oid::regclass,
      (select string_agg(concat_ws(' ', '  ' || quote_ident(attname), format_type(atttypid, atttypmod),
           case attidentity when 'a' then 'generated always as identity' end, case when attnotnull then 'not null' end,
           'default ' || pg_get_expr(adbin, adrelid)), E',\\n' order by attnum)
       from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
       where attrelid = c.oid and attnum > 0 and not attisdropped),
      ' partition by ' || pg_get_partkeydef(c.oid),
      (select format(E' with (\\n  %s\\n)', string_agg(o, E',\\n  ' order by o)) from unnest(c.reloptions) o having count(*) > 0))
    from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
  Partitions: `
    select format('create table %s partition of %s %s;', c.oid::regclass, inhparent::regclass, pg_get_expr(relpartbound, c.oid))
    from pg_class c join pg_inherits on inhrelid = c.oid
    where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and pg_get_expr(relpartbound, c.oid) = 'DEFAULT'`,
  // Other partitions are made for the days to come, each like its parent.
  Constraints: `
    select format('alter table %s add constraint %I %s;', conrelid::regclass, conname, pg_get_constraintdef(o.oid))
    from pg_constraint o left join pg_class c on c.oid = conrelid
    where connamespace = $1::regnamespace and contype not in ('n', 't') and coalesce(pg_get_expr(relpartbound, c.oid), 'DEFAULT') = 'DEFAULT'`,
  Indexes: `
    select pg_get_indexdef(indexrelid) || ';' from pg_index join pg_class c on c.oid = indexrelid
    where c.relnamespace = $1::regnamespace and not indisprimary and not c.relispartition`,
  Functions: `
    select pg_get_functiondef(oid) || ';' from pg_proc where pronamespace = $1::regnamespace`,
  Triggers: `
    select pg_get_triggerdef(t.oid) || ';' from pg_trigger t join pg_class c on c.oid = tgrelid
    -- Those of a partition are copies of its parent's.
    where c.relnamespace = $1::regnamespace and not tgisinternal and tgparentid = 0`,
  Views: `
    select format('create view %s as%s', oid::regclass, E'\\n' ||
      -- Before Postgres 16 it names the table of each column.
      regexp_replace(pg_get_viewdef(oid), '\\y(attempt|archive|job)\\.', '', 'g')) from pg_class
    where relnamespace = $1::regnamespace and relkind = 'v'`,
  Rights: `
    select format('grant %s on %s to %s;', string_agg(privilege_type, ', ' order by privilege_type), object, grantee) from (
      select c.oid::regclass::text, (aclexplode(relacl)).*, relowner from pg_class c where relnamespace = $1::regnamespace
      union all select 'function ' || p.oid::regprocedure, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*, proowner from pg_proc p where pronamespace = $1::regnamespace
      union all select 'schema ' || n.oid::regnamespace, (aclexplode(nspacl)).*, nspowner from pg_namespace n where n.oid = $1::regnamespace
    ) o(object, grantor, grantee_id, privilege_type, is_grantable, owner)
    cross join lateral (select case grantee_id when 0 then 'public' else grantee_id::regrole::text end as grantee) g
    where grantee_id <> owner group by object, grantee`,
};

/** Every object of a schema as text, in which the schema is written `pillion`: the same for every server and role. */
export async function catalogOf(client: pg.ClientBase, schema: string): Promise<string> {
  const quoted = `"${schema.replaceAll('"', '""')}"`;
  await client.query("set search_path = pg_catalog");
  let text = "";
  for (const [kind, query] of Object.entries(queries)) {
    const { rows } = await client.query({ text: query, values: [quoted], rowMode: "array" });
    const definitions = rows.map(([definition]) => definition.trim()).sort();
    if (definitions.length > 0) text += `\n-- ${kind}\n\n${definitions.join("\n\n")}\n`;
  }
  // Postgres quotes the name only where it must.
  return text.replaceAll(`${quoted}.`, "pillion.").replaceAll(`${schema}.`, "pillion.");
}

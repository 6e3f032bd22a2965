import { migrations } from "../migrate/migrations.ts";

/** Something that a migration has made in the queue's schema. */
export interface SchemaObject {
  readonly kind: string;
  readonly name: string;
}

/** What the migrations up to a version have made, by their text. */
export function objectsOf(version: number): SchemaObject[] {
  const objects = new Map<string, SchemaObject>();
  const line =
    /^(create|drop) (?:or replace |unique |unlogged |constraint )*(table|view|sequence|index|function|type|trigger) (?:concurrently |if (?:not )?exists )*(?:pillion\.)?(\w+)/gm;
  for (const migration of migrations.filter((each) => each.version <= version))
    for (const [, verb, kind, name] of migration.sql.matchAll(line)) {
      if (verb === "create") objects.set(`${kind} ${name}`, { kind: kind!, name: name! });
      else objects.delete(`${kind} ${name}`);
    }
  return [...objects.values()];
}

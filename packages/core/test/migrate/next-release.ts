import { currentVersion } from "@pillion/core/migrate";
import { migrations } from "../../src/migrate/migrations.ts";

/** A release to come: a column, a table, and another text of a function that this one calls. */
export const nextRelease = [
  ...migrations,
  {
    version: currentVersion + 1,
    name: "future",
    sql: `
      alter table pillion.job add column future text;
      alter table pillion.archive add column future text;
      create table pillion.future (id bigint primary key);
      create or replace function pillion.wake(queue text) returns void language plpgsql security definer
        set search_path = pg_catalog, pg_temp as $$ begin perform pg_notify('pillion_future', queue); end $$;`,
  },
];

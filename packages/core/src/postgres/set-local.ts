import { sql } from "../statement.ts";

/** JSON text: names of settings, and their values. */
export interface SettingsInput {
  readonly settings: string;
}

/** Sets settings until the end of the transaction. */
export const setLocal = () => sql<SettingsInput>`
select pg_catalog.count(pg_catalog.set_config(s.key, s.value, true))::text as set
from pg_catalog.json_each_text(${({ settings }) => settings}::text::json) s`;

/** The values that these settings have now, as what `setLocal` takes; those of one's own that nobody has set are empty. */
export const currentSettings = () => sql<SettingsInput>`
select pg_catalog.json_object_agg(s.key, coalesce(pg_catalog.current_setting(s.key, true), ''))::text as settings
from pg_catalog.json_each_text(${({ settings }) => settings}::text::json) s`;

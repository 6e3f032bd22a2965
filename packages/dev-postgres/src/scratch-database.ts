import { randomBytes } from "node:crypto";
import { run } from "./scratch-schema.ts";

export interface ScratchDatabase {
  /** Its name; a test that needs a role, which all databases share, names it after this. */
  readonly name: string;
  readonly url: string;
  /** Ends the sessions in it, and drops it. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database of a test's own, for programs that are run as users run them: with the queue in the
 * schema `pillion` and their own tables in `public`.
 *
 * @param subject a word that tells whose it is: the database is named `pillion_<subject>_<random>`
 * @param options.like what it is a copy of, as CREATE DATABASE says it
 * @param options.patient whether `drop` waits a while for sessions that end by themselves
 */
export async function scratchDatabase(
  url: string,
  subject: string,
  { like = "template template0", patient = false } = {},
): Promise<ScratchDatabase> {
  const name = `pillion_${subject}_${randomBytes(4).toString("hex")}`;
  await run(
    url,
    `create database "${name}" ${like}`,
    `comment on database "${name}" is '${process.env.PILLION_SCRATCH}'`,
  );
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { name, url: own.href, drop: () => dropDatabase(url, name, patient) };
}

async function dropDatabase(url: string, name: string, patient: boolean): Promise<void> {
  await run(url, ...(patient ? [leftBy(name)] : []), `drop database if exists "${name}" with (force)`);
}

/**
 * Waits a while for those who have said that they leave, as a pool has whose `end` has resolved: cut off instead, they
 * would take it for an error.
 */
const leftBy = (name: string) => `do $$ begin
  for look in 1 .. 200 loop
    perform pg_stat_clear_snapshot();
    exit when not exists (select from pg_stat_activity where datname = '${name}' and backend_type = 'client backend');
    perform pg_sleep(0.01);
  end loop;
end $$`;

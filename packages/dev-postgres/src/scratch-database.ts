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
 * @param like what it is a copy of, as CREATE DATABASE says it
 */
export async function scratchDatabase(
  url: string,
  subject: string,
  like = "template template0",
): Promise<ScratchDatabase> {
  const name = `pillion_${subject}_${randomBytes(4).toString("hex")}`;
  await run(
    url,
    `create database "${name}" ${like}`,
    `comment on database "${name}" is '${process.env.PILLION_SCRATCH}'`,
  );
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { name, url: own.href, drop: () => dropDatabase(url, name) };
}

async function dropDatabase(url: string, name: string): Promise<void> {
  await run(url, `drop database if exists "${name}" with (force)`);
}

import { dropScratch, startPostgres } from "@pillion/dev-postgres";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the database that all tests share; each makes schemas of its own and drops them. */
    databaseUrl: string;
  }
}

/** One Postgres for the whole run: the server on DATABASE_URL, or an embedded one that is stopped at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  const server = given
    ? undefined
    : await startPostgres({ durable: false, settings: { max_prepared_transactions: "10" } });
  const url = given || server!.url;
  project.provide("databaseUrl", url);

  // What a test that broke off has left behind goes with the run, and so it does on Ctrl-C: vitest then ends this
  // process without waiting for anybody. An embedded server stops by itself.
  if (given)
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.prependOnceListener(signal, () => dropScratch(url));
  return async () => (server ? server.stop() : dropScratch(url));
}

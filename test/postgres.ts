import { startPostgres } from "@pillion/dev-postgres";
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
  const server = given ? undefined : await startPostgres();
  project.provide("databaseUrl", given || server!.url);
  return async () => server?.stop();
}

import { startPgBouncer } from "@pillion/dev-postgres";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The URL of the same database through PgBouncer in transaction mode. */
    pooledUrl: string;
  }
}

/** How many connections to a database all clients of the pooler share. */
export const sharedConnections = 2;

/** A real PgBouncer before the tests' server, for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = project.getProvidedContext().databaseUrl;
  const pooler = await startPgBouncer({ url, poolSize: sharedConnections });
  project.provide("pooledUrl", pooler.url);
  console.log(`${pooler.version}, transaction mode, ${sharedConnections} connections to a database`);
  return pooler.stop;
}

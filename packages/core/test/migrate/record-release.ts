// `npm run record:release`: what the release that is to come makes of a database, and what it sends to it. From the next
// release on, every change is tested against it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { migrationSql } from "@pillion/core/migrate";
import { startPostgres } from "@pillion/dev-postgres";
import { recordLife } from "./releases.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const folder = new URL(`./releases/${version}/`, import.meta.url);
const server = await startPostgres({ durable: false });
try {
  const recording = await recordLife(server.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("schema.sql", folder), migrationSql());
  writeFileSync(new URL("life.json", folder), `${JSON.stringify(recording, null, 1)}\n`);
} finally {
  await server.stop();
}

import { migrate, migrationSql } from "@pillion/core/migrate";

// What docs/migrate.md shows.

export async function atDeployment() {
  const { from, to, applied } = await migrate({ database: process.env.DATABASE_URL! });
  console.log(`from version ${from} to ${to}: ${applied.join(", ") || "nothing to do"}`);
}

export function forYourOwnTool(): string {
  return migrationSql({ schema: "pillion", from: 0 });
}

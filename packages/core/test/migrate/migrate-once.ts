import { migrate } from "@pillion/core/migrate";

// One process that migrates once: `migrate-once.ts URL SCHEMA`. It tells the answer as JSON.
const [database, schema] = process.argv.slice(2) as [string, string];
process.stdout.write(JSON.stringify(await migrate({ database, schema })));

import { createAdmin } from "@pillion/core/admin";

// A process that has some connections open: `closing-child.ts URL SCHEMA`. At SIGTERM it closes them, and ends once nothing is open.
const [database, schema] = process.argv.slice(2) as [string, string];
const admin = createAdmin({ database, schema });
await Promise.all([1, 2, 3].map(() => admin.queues()));
process.once("SIGTERM", async () => {
  await admin.close();
  process.stdout.write("closed\n");
});
process.stdout.write("open\n");

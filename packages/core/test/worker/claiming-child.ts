import { defineJob, type } from "@pillion/core";
import { createClaimer } from "@pillion/core/worker";

// A process that claims one job and never ends it: `claiming-child.ts URL SCHEMA`.
const [database, schema] = process.argv.slice(2) as [string, string];
const plain = defineJob({ name: "plain", payload: type<null>() });
const claimer = createClaimer({ database, schema, jobTypes: [plain], leaseMs: 500 });
const [job] = await claimer.claim();
process.stdout.write(`claimed ${job!.id}\n`);
setInterval(() => {}, 60_000);

import { randomUUID } from "node:crypto";
import { defineJob, type } from "@pillion/core";
import { createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { createWorker } from "@pillion/core/worker";
import { scratchDatabase } from "@pillion/dev-postgres";
import { enqueueStandalone, transactional } from "@pillion/prisma";
import { expect, inject, onTestFinished, test } from "vitest";
import * as prisma6 from "../packages/prisma/test/prisma-6/index.ts";
import * as prisma7 from "../packages/prisma/test/prisma-7/index.ts";

const placed = defineJob({ name: "order.placed", payload: type<{ id: string }>(), maxAttempts: 1 });

/** Whether the transaction has been open for longer than the five seconds after which Prisma ends one by itself. */
const old = "select clock_timestamp() - transaction_timestamp() > '5.2 s' as old";

test.each([
  ["6", prisma6 as unknown as typeof prisma7],
  ["7", prisma7],
])(
  "Prisma %s ends no handler after its five seconds, also where an option is undefined",
  async (_, release) => {
    const database = await scratchDatabase(inject("databaseUrl"), "prisma_timeouts");
    onTestFinished(() => database.drop());
    await migrate({ database: database.url });
    const prisma = new release.PrismaClient({
      adapter: new release.PrismaPg({ connectionString: database.url }),
    });
    onTestFinished(() => prisma.$disconnect());
    const handler = transactional(
      prisma,
      placed,
      async (tx) => {
        let rows: { old: boolean }[];
        do rows = await tx.$queryRawUnsafe<{ old: boolean }[]>(old);
        while (!rows[0]!.old);
      },
      { timeout: undefined, maxWait: undefined },
    );
    const worker = createWorker({ database: database.url, handlers: [handler], logger: false });
    await worker.start();
    onTestFinished(() => worker.stop());
    const { id } = await enqueueStandalone(prisma, placed({ id: randomUUID() }));
    const admin = createAdmin({ database: database.url });
    onTestFinished(() => admin.close());
    await expect(admin.waitFor(id, placed)).resolves.toBeUndefined();
  },
);

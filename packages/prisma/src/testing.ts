import { type TestVerbs, testingOf } from "@pillion/core/testing";
import { configure as configureVerbs, type PrismaTransaction } from "./index.ts";

const verbs = testingOf<PrismaTransaction, object>(configureVerbs({}));

/** Find the jobs that your test's own Prisma transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<PrismaTransaction>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own Prisma transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<PrismaTransaction>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<PrismaTransaction>["configure"] = verbs.configure;

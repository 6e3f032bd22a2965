import { type TestVerbs, testingOf } from "@pillion/core/testing";
import { configure as configureVerbs, type DrizzleTransaction } from "./index.ts";

const verbs = testingOf<DrizzleTransaction, object>(configureVerbs({}));

/** Find the jobs that your test's own Drizzle transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<DrizzleTransaction>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own Drizzle transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<DrizzleTransaction>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<DrizzleTransaction>["configure"] = verbs.configure;

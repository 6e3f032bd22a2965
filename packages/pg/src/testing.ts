import { type TestVerbs, testingOf } from "@pillion/core/testing";
import { configure as configureVerbs, type PgTransaction } from "./index.ts";

const verbs = testingOf<PgTransaction, object>(configureVerbs({}));

/** Find the jobs that your test's own pg transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<PgTransaction>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own pg transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<PgTransaction>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<PgTransaction>["configure"] = verbs.configure;

import { type TestVerbs, testingOf } from "@pillion/core/testing";
import { configure as configureVerbs, type KyselyTransaction } from "./index.ts";

const verbs = testingOf<KyselyTransaction, object>(configureVerbs({}));

/** Find the jobs that your test's own Kysely transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<KyselyTransaction>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own Kysely transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<KyselyTransaction>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<KyselyTransaction>["configure"] = verbs.configure;

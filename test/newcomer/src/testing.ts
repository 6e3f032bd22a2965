import { type TestVerbs, testingOf } from "@pillion/core/testing";
import type { TransactionSql } from "postgres";
import { configure as configureVerbs } from "./index.ts";

const verbs = testingOf<TransactionSql, object>(configureVerbs({}));

/** Find the jobs that your test's own postgres.js transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<TransactionSql>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own postgres.js transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<TransactionSql>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<TransactionSql>["configure"] = verbs.configure;

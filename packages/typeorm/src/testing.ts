import { type TestVerbs, testingOf } from "@pillion/core/testing";
import { configure as configureVerbs, type TypeOrmTransaction } from "./index.ts";

const verbs = testingOf<TypeOrmTransaction, object>(configureVerbs({}));

/** Find the jobs that your test's own TypeORM transaction has enqueued; throw where they are not there. */
export const expectEnqueued: TestVerbs<TypeOrmTransaction>["expectEnqueued"] = verbs.expectEnqueued;
/** Run the jobs that your test's own TypeORM transaction has enqueued, inside it, each under a savepoint. */
export const runEnqueued: TestVerbs<TypeOrmTransaction>["runEnqueued"] = verbs.runEnqueued;
/** The same verbs for another schema. */
export const configure: TestVerbs<TypeOrmTransaction>["configure"] = verbs.configure;

import type { Harness } from "../harness.ts";
import type { Suite } from "../suite.ts";
import { ambient } from "./ambient.ts";
import { arrayForm } from "./array-form.ts";
import { atomicity } from "./atomicity.ts";
import { badInput } from "./bad-input.ts";
import { batches } from "./batches.ts";
import { commitForms } from "./commit-forms.ts";
import { contendedKeys } from "./contended-keys.ts";
import { expectEnqueuedSuite } from "./expect-enqueued.ts";
import { failingJobs } from "./failing-jobs.ts";
import { failuresAtCommit } from "./failures-at-commit.ts";
import { hostileSettings } from "./hostile-settings.ts";
import { idempotentSuite } from "./idempotent.ts";
import { interruptedWaits } from "./interrupted-waits.ts";
import { isolation } from "./isolation.ts";
import { keys } from "./keys.ts";
import { killedBackend } from "./killed-backend.ts";
import { killedHandler } from "./killed-handler.ts";
import { killedProcess } from "./killed-process.ts";
import { lateHandles } from "./late-handles.ts";
import { oneConnection } from "./one-connection.ts";
import { optionsSuite } from "./options.ts";
import { ownClient } from "./own-client.ts";
import { payload } from "./payload.ts";
import { foreignHandles, refusals } from "./refusals.ts";
import { runEnqueuedSuite } from "./run-enqueued.ts";
import { savepoints } from "./savepoints.ts";
import { standalone } from "./standalone.ts";
import { steps } from "./steps.ts";
import { transactionalHandlers } from "./transactional-handlers.ts";
import { verbSuites } from "./verbs.ts";
import { visibility } from "./visibility.ts";

/** Every suite; `others` are the harnesses whose handles must be refused. */
export function suites(others: readonly Harness[]): readonly Suite[] {
  return [
    atomicity,
    failuresAtCommit,
    killedBackend,
    killedProcess,
    arrayForm,
    visibility,
    savepoints,
    refusals,
    foreignHandles(others),
    lateHandles,
    keys,
    contendedKeys,
    interruptedWaits,
    payload,
    optionsSuite,
    badInput,
    batches,
    isolation,
    oneConnection,
    hostileSettings,
    commitForms,
    standalone,
    ...verbSuites,
    ambient,
    transactionalHandlers,
    killedHandler,
    ownClient,
    steps,
    idempotentSuite,
    expectEnqueuedSuite,
    runEnqueuedSuite,
    failingJobs,
  ];
}

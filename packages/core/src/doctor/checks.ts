import { autovacuumCheck } from "./checks/autovacuum.ts";
import { bloatCheck } from "./checks/bloat.ts";
import { clockCheck } from "./checks/clock.ts";
import { connectionsSeenCheck } from "./checks/connections-seen.ts";
import { deadRowsCheck } from "./checks/dead-rows.ts";
import { horizonCheck } from "./checks/horizon.ts";
import { idleCheck } from "./checks/idle.ts";
import { invalidIndexesCheck } from "./checks/invalid-indexes.ts";
import { lateQueuesCheck } from "./checks/late-queues.ts";
import { listenCheck } from "./checks/listen.ts";
import { partitionsCheck } from "./checks/partitions.ts";
import { poolersCheck } from "./checks/poolers.ts";
import { rightsCheck } from "./checks/rights.ts";
import { sameDatabaseCheck } from "./checks/same-database.ts";
import { schemaCheck } from "./checks/schema.ts";
import { sharedSchemaCheck } from "./checks/shared-schema.ts";
import { unhandledNamesCheck } from "./checks/unhandled-names.ts";
import { workersCheck } from "./checks/workers.ts";
import { writableCheck } from "./checks/writable.ts";
import type { Check } from "./patient.ts";

/** All that a diagnosis looks at, in that order: whether there are transactions, and the schema, decides on the rest. */
export const checks: readonly Check[] = [
  poolersCheck,
  schemaCheck,
  sharedSchemaCheck,
  writableCheck,
  sameDatabaseCheck,
  connectionsSeenCheck,
  horizonCheck,
  idleCheck,
  deadRowsCheck,
  bloatCheck,
  invalidIndexesCheck,
  autovacuumCheck,
  listenCheck,
  clockCheck,
  workersCheck,
  unhandledNamesCheck,
  lateQueuesCheck,
  rightsCheck,
  partitionsCheck,
];

import { defaults } from "../defaults.ts";
import { sqlStateOf } from "../errors.ts";
import { schemaOf } from "../postgres/schema.ts";
import { cannotLook } from "./cannot-look.ts";
import { checks } from "./checks.ts";
import type { Finding, FindingCode, Severity } from "./finding.ts";
import { type DiagnoseLimits, limitsOf } from "./limits.ts";
import {
  type Check,
  type Connected,
  connect,
  type DiagnosedDatabase,
  type Patient,
  reading,
} from "./patient.ts";
import { poolingOf } from "./pooling.ts";

/** What is diagnosed, and from where on something is a finding. */
export type DiagnoseOptions = {
  /** The queue's database. One connection is opened, or the Client used, which must not be in a transaction. */
  readonly database: DiagnosedDatabase;
  /** What the application's ORM is connected to, to be told whether it is the queue's database. */
  readonly applicationDatabase?: DiagnosedDatabase | undefined;
  /** The schema that holds the queue's tables; default `pillion`. */
  readonly schema?: string | undefined;
} & { readonly [Name in keyof DiagnoseLimits]?: number | undefined };

/** What a diagnosis came to. */
export interface Diagnosis {
  /** The worst first; empty where all is well. */
  readonly findings: readonly Finding[];
  /** The worst severity among them; null where there is none. */
  readonly severity: Severity | null;
  /** What was looked at. */
  readonly looked: readonly string[];
  /**
   * What was not: a pooler refuses transactions, the queue's tables are not there, it is a replica, no worker runs, no
   * application's database was given.
   */
  readonly omitted: readonly string[];
}

const order: readonly Severity[] = ["critical", "warning", "info"];

/**
 * Looks at the queue and its database, and says what is not as it should be, why that matters, and what mends it. Changes
 * nothing: what it reads it reads in transactions that are read only, each statement for `statementMs` at most, and none
 * counts all of a queue's jobs. What the role may not see is a finding of its own, `CANNOT_LOOK`.
 *
 * @throws InvalidConfigurationError; and what the driver throws where the connection cannot be had, or breaks
 */
export async function diagnose({
  database,
  applicationDatabase,
  schema: name = defaults.schema,
  ...given
}: DiagnoseOptions): Promise<Diagnosis> {
  const limits = limitsOf(given);
  const schema = schemaOf(name);
  const connected = await connect(database);
  const { session } = connected;
  let application: Connected | undefined;
  try {
    application = applicationDatabase === undefined ? undefined : await connect(applicationDatabase);
    return await examine({
      schema,
      limits,
      session,
      application: application?.session,
      pooling: await poolingOf(connected, limits.statementMs),
      applicationPooling: application && (await poolingOf(application, limits.statementMs)),
      read: (statement, input) => reading(session, limits.statementMs, (read) => read(statement, input)),
    });
  } finally {
    await application?.session.close();
    await session.close();
  }
}

async function examine(patient: Patient): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const looked: string[] = [];
  const omitted: string[] = [];
  const has = (...codes: FindingCode[]) => findings.some(({ code }) => codes.includes(code));
  const lacks: Readonly<Record<Check["needs"], () => boolean>> = {
    connection: () => false,
    server: () => patient.pooling.mode === "statement",
    // A replica refuses LISTEN.
    primary: () => lacks.server() || has("READ_ONLY"),
    queue: () => lacks.server() || has("SCHEMA_MISSING", "SCHEMA_HALF"),
    // Where nobody works, nobody handles anything: that is one finding, and not one for each name.
    workers: () => lacks.queue() || has("NO_WORKER"),
    application: () =>
      lacks.server() ||
      patient.applicationPooling === undefined ||
      patient.applicationPooling.mode === "statement",
  };
  for (const check of checks) {
    if (lacks[check.needs]()) {
      omitted.push(check.name);
      continue;
    }
    looked.push(check.name);
    findings.push(...(await lookOrSay(check, patient)));
  }
  findings.sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
  return { findings, severity: findings[0]?.severity ?? null, looked, omitted };
}

/** What one check may not see, or not in time, keeps no other from looking. */
async function lookOrSay(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check.look(patient);
  } catch (error) {
    const state = sqlStateOf(error);
    // Without a SQLSTATE, of class 08, or as the server goes: the connection itself.
    if (state === undefined || /^(08|57P)/.test(state)) throw error;
    return [cannotLook(check.name, error, patient.schema.name)];
  }
}

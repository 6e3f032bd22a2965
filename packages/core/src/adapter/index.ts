export type { Database, Session } from "../database.ts";
export type { ActiveJob, Handler } from "../handler/handler.ts";
export type { Row, Statement } from "../statement.ts";
export { defineAdapter } from "./define-adapter.ts";
export type { AdapterDefinition, TransactionOptions } from "./definition.ts";
export type { CommittingJob, CommittingRun, EffectVerbs, TransactionalRun } from "./effects.ts";
export type { IdempotentOptions } from "./idempotent.ts";
export type { Settings } from "./settings.ts";
export type { Adapter, Verbs } from "./verbs.ts";

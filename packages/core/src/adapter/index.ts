export type { Database, Session } from "../database.ts";
export type { Row, Statement } from "../statement.ts";
export { defineAdapter } from "./define-adapter.ts";
export type { AdapterDefinition, TransactionOptions } from "./definition.ts";
export type { Settings } from "./settings.ts";
export type { Adapter, Verbs } from "./verbs.ts";

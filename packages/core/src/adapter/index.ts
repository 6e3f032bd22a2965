export type { Database, Session } from "../database.ts";
export type { Row, Statement } from "../statement.ts";
export {
  type Adapter,
  type AdapterDefinition,
  defineAdapter,
  type Settings,
  type TransactionOptions,
  type Verbs,
} from "./define-adapter.ts";

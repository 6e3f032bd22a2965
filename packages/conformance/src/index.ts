export {
  type Connection,
  type ConnectOptions,
  type Harness,
  harnessName,
  type OpenOptions,
  type Order,
  type Traits,
  type WrongHandle,
} from "./harness.ts";
export { conformance, type TestRunner } from "./register.ts";
export {
  conformanceRun,
  type Missing,
  type NamedCase,
  type Report,
  type Run,
  type RunOptions,
} from "./run.ts";
export type { Capability } from "./suite.ts";
export { versionOf } from "./version-of.ts";

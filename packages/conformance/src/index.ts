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
export { versionOf } from "./version-of.ts";

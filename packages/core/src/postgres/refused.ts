import { sqlStateOf } from "../errors.ts";

/** Whether Postgres has refused a transaction because of another one, and would take it now. */
export function isRefused(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40001" || state === "40P01";
}

/** Whether an error leaves open what became of a statement: the connection broke, or the server was on its way down. */
export function isUnheard(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith("08") || state.startsWith("57P");
}

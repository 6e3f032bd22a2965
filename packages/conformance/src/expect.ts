import assert from "node:assert/strict";
import { PillionError, type PillionErrorCode, sqlStateOf } from "@pillion/core";

/** What the promise is rejected with; the case fails with `message` if it is fulfilled. */
export async function rejection(promise: Promise<unknown>, message: string): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail(message);
}

/** The error of Pillion with this code that the promise is rejected with. */
export async function refusal(
  promise: Promise<unknown>,
  code: PillionErrorCode,
  message: string,
): Promise<PillionError> {
  const error = await rejection(promise, message);
  if (!PillionError.is(error) || error.code !== code)
    assert.fail(`${message}: expected ${code}, got ${describeError(error)}`);
  return error;
}

/** The promise's value; the case fails with `message` and the error if it is rejected. */
export async function accepted<T>(promise: Promise<T>, message: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    return assert.fail(`${message}: ${describeError(error)}`);
  }
}

export function assertSqlState(error: unknown, state: string, message: string): void {
  assert.equal(sqlStateOf(error), state, `${message}: ${describeError(error)}`);
}

export function describeError(error: unknown): string {
  const code = PillionError.is(error) ? error.code : sqlStateOf(error);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return code === undefined ? text : `${code} (${text})`;
}

import type { AdapterDefinition } from "./definition.ts";
import { describeHandle } from "./handles.ts";

/** Is this an open transaction of the adapter's ORM? Any value may be asked about. */
export function isTransaction<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  handle: unknown,
): handle is Tx {
  return isObject(handle) && asked(() => definition.inTransaction(handle as Tx));
}

/** Is this the root client of the adapter's ORM? Any value may be asked about. */
export function isClient<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  handle: unknown,
): handle is Client {
  return isObject(handle) && asked(() => definition.isClient(handle as Client));
}

/** A foreign handle may throw at any property access (Prisma's proxies, revoked proxies): that is a no. */
function asked(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return false;
  }
}

/** What was passed, in words. */
export function describe<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  handle: unknown,
): string {
  let own: string | undefined;
  try {
    own = isObject(handle) ? definition.describe?.(handle) : undefined;
  } catch {
    // The same foreign handles that cannot be asked cannot be described by what they answer.
  }
  return own ?? describeHandle(handle) ?? "an object that is no transaction";
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

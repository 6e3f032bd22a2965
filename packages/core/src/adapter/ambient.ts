// By name, so that another copy of this package knows it too.
const resolver: unique symbol = Symbol.for("pillion.ambient");

/**
 * The transaction that is open where a verb is called, for services that are not given one. Made by an adapter's
 * `ambient`; each of its verbs takes it in place of a `tx`.
 */
export interface Ambient<Tx extends object> {
  /** Answers that transaction. */
  readonly [resolver]: () => Tx | undefined;
}

/** Tags a function, so that no other function is ever taken for a transaction. */
export function ambientOf<Tx extends object>(resolve: () => Tx | undefined): Ambient<Tx> {
  return Object.freeze({ [resolver]: resolve });
}

/** Is this what `ambient` made? Any value may be asked about. */
export function isAmbient(value: unknown): value is Ambient<object> {
  try {
    return typeof value === "object" && value !== null && typeof Reflect.get(value, resolver) === "function";
  } catch {
    // A foreign handle may throw at any touch.
    return false;
  }
}

/** What an ambient transaction stands for, here and now. Throws what its function throws. */
export function resolved(ambient: Ambient<object>): unknown {
  return ambient[resolver]();
}

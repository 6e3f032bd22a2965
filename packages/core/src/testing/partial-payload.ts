/** A payload of which any property, at any depth, may be left out. An array is given whole, item by item. */
export type PartialPayload<Payload> = Payload extends readonly (infer Item)[]
  ? readonly PartialPayload<Item>[]
  : Payload extends object
    ? { readonly [Key in keyof Payload]?: PartialPayload<Payload[Key]> | undefined }
    : Payload;

/** Whether a payload has all that `expected` names. Both are what JSON carries. */
export function includes(payload: unknown, expected: unknown): boolean {
  if (Array.isArray(expected))
    return (
      Array.isArray(payload) &&
      payload.length === expected.length &&
      expected.every((item, index) => includes(payload[index], item))
    );
  if (typeof expected !== "object" || expected === null) return payload === expected;
  return (
    typeof payload === "object" &&
    payload !== null &&
    !Array.isArray(payload) &&
    Object.entries(expected).every(
      ([key, item]) =>
        Object.hasOwn(payload, key) && includes((payload as Record<string, unknown>)[key], item),
    )
  );
}

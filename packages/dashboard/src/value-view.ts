import type { ValueView } from "./api.ts";

const mostCharacters = 65_536;

/** A value as text to show. What is large gets no line breaks: deep nesting would make it a thousand times larger. */
export function valueView(value: unknown): ValueView {
  if (value === undefined) return { kind: "none" };
  const compact = JSON.stringify(value);
  const text = compact.length <= mostCharacters ? JSON.stringify(value, null, 2) : compact;
  return { kind: "json", text: text.slice(0, mostCharacters), cut: text.length > mostCharacters };
}

/** Where null means that there is none. */
export const optionalView = (value: unknown): ValueView => valueView(value ?? undefined);

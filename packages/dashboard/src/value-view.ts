import { isEncrypted } from "@pillion/core";
import type { ValueView } from "./api.ts";

const mostCharacters = 65_536;

/**
 * A value as text to show. What is encrypted is not, whole or inside it. What is large gets no line breaks: deep nesting
 * would make it a thousand times larger.
 */
export function valueView(value: unknown): ValueView {
  if (value === undefined) return { kind: "none" };
  if (isEncrypted(value)) return { kind: "encrypted", keyId: value["pillion.key"] };
  const veiled = (_: string, part: unknown) =>
    isEncrypted(part) ? `encrypted with key ${part["pillion.key"]}` : part;
  const compact = JSON.stringify(value, veiled);
  const text = compact.length <= mostCharacters ? JSON.stringify(value, veiled, 2) : compact;
  return { kind: "json", text: text.slice(0, mostCharacters), cut: text.length > mostCharacters };
}

/** Where null means that there is none. */
export const optionalView = (value: unknown): ValueView => valueView(value ?? undefined);

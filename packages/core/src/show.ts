import { isPlainObject } from "./json.ts";

/** What was passed, in words for an error. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (typeof (value as { then?: unknown }).then === "function") return "a promise";
  return isPlainObject(value) ? "an object" : `an instance of ${value.constructor?.name || "a class"}`;
}

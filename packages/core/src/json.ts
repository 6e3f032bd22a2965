import { limits } from "./defaults.ts";
import type { PayloadIssue } from "./errors.ts";

/** Any value that JSON carries without loss. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * `T` where JSON carries a `T` without loss, and a type that `T` is not assignable to elsewhere. Interfaces pass,
 * which `T extends Json` would refuse; a property may be optional or undefined, an array's item may not.
 */
export type JsonOf<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null
    ? T
    : T extends bigint | symbol | undefined | ((...args: never[]) => unknown)
      ? never
      : T extends readonly unknown[]
        ? { [K in keyof T]: JsonOf<T[K]> }
        : T extends object
          ? { [K in keyof T]: T[K] extends infer V ? (V extends undefined ? V : JsonOf<V>) : never }
          : never;

/**
 * Says why JSON cannot carry the value unchanged, or undefined where it can. A property that is undefined is left
 * out, as JSON.stringify does; everything else that JSON would drop, change or flatten without a word is an issue.
 */
export function jsonIssueOf(value: unknown): PayloadIssue | undefined {
  const path: PropertyKey[] = [];
  const message = check(value, 0, path);
  return message === undefined ? undefined : { message: explain(value, path, message), path };
}

const tooDeep = `is nested deeper than ${limits.depth} levels`;

function check(value: unknown, depth: number, path: PropertyKey[]): string | undefined {
  switch (typeof value) {
    case "string":
      return textIssueOf(value);
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON cannot carry`;
    case "undefined":
      return "is undefined";
    case "object":
      break;
    case "bigint":
      return "is a BigInt, which JSON cannot carry; pass it as text";
    default:
      return `is a ${typeof value}, which JSON cannot carry`;
  }
  if (value === null) return undefined;
  if (depth >= limits.depth) return tooDeep;
  return Array.isArray(value) ? checkArray(value, depth, path) : checkObject(value, depth, path);
}

function checkArray(array: readonly unknown[], depth: number, path: PropertyKey[]): string | undefined {
  for (let index = 0; index < array.length; index++) {
    const issue = check(array[index], depth + 1, path);
    if (issue !== undefined) {
      path.unshift(index);
      return issue;
    }
  }
  if (typeof (array as { toJSON?: unknown }).toJSON === "function") return "has a toJSON method";
  return undefined;
}

function checkObject(object: object, depth: number, path: PropertyKey[]): string | undefined {
  const prototype = Object.getPrototypeOf(object);
  // A plain object of another realm (a vm, a Jest test) has that realm's Object.prototype.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    return flattened(object);
  if (prototype !== null && prototype !== Object.prototype && !Object.hasOwn(prototype, "isPrototypeOf"))
    return flattened(object);
  for (const key of Object.keys(object)) {
    const item = (object as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const issue = check(item, depth + 1, path) ?? keyIssueOf(key);
    if (issue !== undefined) {
      path.unshift(key);
      return issue;
    }
  }
  const symbols = Object.getOwnPropertySymbols(object);
  if (
    symbols.length > 0 &&
    symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(object, symbol))
  )
    return "has a property whose key is a symbol, which JSON would drop";
  return undefined;
}

function keyIssueOf(key: string): string | undefined {
  const issue = textIssueOf(key);
  return issue === undefined ? undefined : `has a key that ${issue}`;
}

/** Says what Postgres cannot store in the text, if anything. */
export function textIssueOf(text: string): string | undefined {
  if (text.includes("\u0000")) return "contains the character U+0000, which Postgres cannot store";
  if (!text.isWellFormed()) return "contains half of a surrogate pair, which UTF-8 cannot carry";
  return undefined;
}

function flattened(object: object): string {
  const name = object.constructor?.name || "class";
  const hint = object instanceof Date ? "; pass date.toISOString()" : "; pass a plain object";
  return `is a ${name} instance, which JSON would flatten${hint}`;
}

/** Endless depth is a cycle: say so. */
function explain(root: unknown, path: readonly PropertyKey[], message: string): string {
  if (message !== tooDeep) return message;
  const ancestors = new Set<unknown>();
  let current = root;
  for (const key of path) {
    if (ancestors.has(current)) return "contains itself (a circular reference)";
    ancestors.add(current);
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return ancestors.has(current) ? "contains itself (a circular reference)" : message;
}

/** The number of bytes that the text takes in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Three bytes for a unit of the basic plane, four for the two units of a pair.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

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
  return issueOf(value, true);
}

/** The same, or the value's JSON. */
export function jsonTextOf(value: unknown): string | PayloadIssue {
  const issue = issueOf(value, false);
  if (issue !== undefined) return issue;
  const text = JSON.stringify(value);
  // What Postgres cannot store of a text is escaped in it, so most texts need no look of their own; raw JSON is as it is.
  const suspect = text.includes("\\u") || !text.isWellFormed();
  return (suspect ? issueOf(value, true) : undefined) ?? text;
}

/** @param texts whether to look at what texts contain */
function issueOf(value: unknown, texts: boolean): PayloadIssue | undefined {
  const path: PropertyKey[] = [];
  const message = check(value, 0, path, texts);
  if (message === undefined) return undefined;
  return (message === tooDeep && cycleOf(value, path)) || { message, path };
}

const tooDeep = `is nested deeper than ${limits.depth} levels`;

function check(value: unknown, depth: number, path: PropertyKey[], texts: boolean): string | undefined {
  switch (typeof value) {
    case "string":
      return texts ? textIssueOf(value) : undefined;
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
  return Array.isArray(value)
    ? checkArray(value, depth, path, texts)
    : checkObject(value, depth, path, texts);
}

function checkArray(
  array: readonly unknown[],
  depth: number,
  path: PropertyKey[],
  texts: boolean,
): string | undefined {
  for (let index = 0; index < array.length; index++) {
    const issue = check(array[index], depth + 1, path, texts);
    if (issue !== undefined) {
      path.unshift(index);
      return issue;
    }
  }
  // Also a RegExp's match, whose index and input would be dropped.
  const keys = Object.keys(array);
  if (keys.length !== array.length)
    return `is an array with the property ${JSON.stringify(keys.at(-1))}, which JSON would drop`;
  return isPlainArray(array) ? undefined : flattened(array, "a plain array");
}

function checkObject(object: object, depth: number, path: PropertyKey[], texts: boolean): string | undefined {
  if (!isPlainObject(object)) return flattened(object, "a plain object");
  for (const key of Object.keys(object)) {
    const item = (object as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const issue = check(item, depth + 1, path, texts) ?? (texts ? keyIssueOf(key) : undefined);
    if (issue !== undefined) {
      path.unshift(key);
      return issue;
    }
  }
  for (const symbol of Object.getOwnPropertySymbols(object))
    if (Object.prototype.propertyIsEnumerable.call(object, symbol))
      return "has a property whose key is a symbol, which JSON would drop";
  return undefined;
}

/** True for an object literal, also one of another realm (a vm, a Jest test), and for one without a prototype. */
export function isPlainObject(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function isPlainArray(array: readonly unknown[]): boolean {
  const prototype = Object.getPrototypeOf(array);
  return prototype === Array.prototype || (prototype !== null && Object.hasOwn(prototype, "copyWithin"));
}

function keyIssueOf(key: string): string | undefined {
  const issue = textIssueOf(key);
  return issue === undefined ? undefined : `has this key, which ${issue}`;
}

/** Says what Postgres cannot store in the text, if anything. */
export function textIssueOf(text: string): string | undefined {
  if (text.includes("\u0000")) return "contains the character U+0000, which Postgres cannot store";
  if (!text.isWellFormed()) return "contains half of a surrogate pair, which UTF-8 cannot carry";
  return undefined;
}

function flattened(object: object, plain: string): string {
  const name = object.constructor?.name || "a class";
  if (name === "Object") return "is an object with a prototype of its own, which JSON would drop";
  return `is an instance of ${name}, which JSON would flatten; pass ${object instanceof Date ? "date.toISOString()" : plain}`;
}

/** Endless depth is a cycle: where it closes, if it is one. */
function cycleOf(root: unknown, path: readonly PropertyKey[]): PayloadIssue | undefined {
  const ancestors = new Set<unknown>();
  let current = root;
  for (const [index, key] of path.entries()) {
    ancestors.add(current);
    current = (current as Record<PropertyKey, unknown>)[key];
    if (ancestors.has(current))
      return { message: "contains itself (a circular reference)", path: path.slice(0, index + 1) };
  }
  return undefined;
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

import pg from "pg";
import { now } from "./serve.ts";

/** One statement that this process sent, and for how long it waited for the answer. */
export interface Sent {
  readonly at: number;
  readonly ms: number;
}

type Query = (this: pg.Client, ...args: unknown[]) => unknown;

/**
 * Records what every client of this process sends from now on, whichever library does: how many statements, and the
 * times of those whose text matches.
 */
export function recordStatements(wanted: RegExp): { readonly matching: Sent[]; count(): number } {
  const matching: Sent[] = [];
  let count = 0;
  const query = pg.Client.prototype.query as Query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    count++;
    const text = typeof args[0] === "string" ? args[0] : (args[0] as { text?: string } | undefined)?.text;
    if (text === undefined || !wanted.test(text)) return query.apply(this, args);
    const at = now();
    const note = () => void matching.push({ at, ms: now() - at });
    const callback = args.at(-1);
    if (typeof callback !== "function") {
      const answer = query.apply(this, args) as Promise<unknown>;
      answer.then(note, note);
      return answer;
    }
    return query.apply(this, [
      ...args.slice(0, -1),
      (...answer: unknown[]) => {
        note();
        callback(...answer);
      },
    ]);
  } as never;
  return { matching, count: () => count };
}

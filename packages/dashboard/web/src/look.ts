import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { looks } from "../../src/api.ts";
import type { Answers, Refusal, Route } from "./answers.ts";
import { addressOfRoute, ask } from "./ask.ts";
import { now } from "./clock.ts";
import { report } from "./connection.ts";

/** What the page knows: an answer stays while later ones fail, and says how old it is. */
export interface Look<T> {
  readonly data: T | undefined;
  readonly refusal: Refusal | undefined;
  /** When the server last said that `data` is so, in milliseconds since 1970. */
  readonly heardAt: number | undefined;
  /** Asks at once. */
  readonly again: () => void;
}

interface Known<T> {
  readonly address: string;
  readonly data?: T;
  readonly refusal?: Refusal;
  readonly heardAt?: number;
}

interface LookOptions {
  readonly id?: string | undefined;
  readonly query?: string | undefined;
  /** False: not yet. */
  readonly wanted?: boolean | undefined;
}

/** Something was changed here: whoever looks, looks again. */
const changed = new EventTarget();
export const somethingChanged = () => changed.dispatchEvent(new Event("changed"));

/** After a failure: soon again, then more and more seldom. */
const patience = (failures: number) => Math.min(1_000 * 2 ** (failures - 1), 10_000);
const passes = ({ status }: Refusal) => status === 0 || status >= 500 || status === 429;

/**
 * Asks a route, and again as often as the contract says, for as long as the page is seen: a hidden tab sends nothing,
 * and asks at once when it is shown again. What failed for a reason that passes is asked again too.
 */
export function useLook<R extends Route>(route: R, options: LookOptions = {}): Look<Answers[R]> {
  const { id, query = "", wanted = true } = options;
  const address = addressOfRoute(route, id, query);
  const [state, setState] = useState<Known<Answers[R]>>({ address });
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    if (!wanted) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let [failures, asking, missed, tag] = [0, false, false, null as string | null];
    setState((before) => (before.address === address ? before : { address }));

    async function look() {
      clearTimeout(timer);
      if (asking || document.hidden) {
        missed = true;
        return;
      }
      [asking, missed] = [true, false];
      const every = looks[route];
      let next: number | null = every;
      try {
        const reply = await ask<R>(address, { tag, signal: stop.signal });
        if ("refusal" in reply) {
          next = passes(reply.refusal)
            ? Math.max(reply.refusal.retryAfterMs ?? 0, patience(++failures))
            : every;
          setState((before) => ({ ...before, address, refusal: reply.refusal }));
          report(reply.refusal);
        } else {
          failures = 0;
          if ("answer" in reply) {
            tag = reply.tag;
            setState({ address, data: reply.answer, heardAt: now() });
          } else setState(({ refusal: _, ...before }) => ({ ...before, heardAt: now() }));
          report(undefined);
        }
      } catch {
        // Nobody waits for it any more.
        return;
      } finally {
        asking = false;
      }
      if (missed) void look();
      else if (next !== null) timer = setTimeout(look, next);
    }
    const shown = () => {
      if (!document.hidden && (missed || looks[route] !== null)) void look();
    };
    wake.current = () => void look();
    changed.addEventListener("changed", wake.current);
    document.addEventListener("visibilitychange", shown);
    void look();
    const { current } = wake;
    return () => {
      stop.abort();
      clearTimeout(timer);
      changed.removeEventListener("changed", current);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [address, route, wanted]);

  const again = useCallback(() => wake.current(), []);
  const ours = state.address === address ? state : undefined;
  return { data: ours?.data, refusal: ours?.refusal, heardAt: ours?.heardAt, again };
}

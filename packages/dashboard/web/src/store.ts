import { useEffect, useState } from "preact/hooks";

/** A value that the whole page shares. */
export interface Store<T> {
  get(): T;
  set(value: T): void;
  /** Draws the component anew when it changes. */
  use(): T;
}

export function storeOf<T>(first: T): Store<T> {
  let value = first;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener();
    },
    use() {
      const [, draw] = useState(value);
      useEffect(() => {
        const listener = () => draw(() => value);
        listeners.add(listener);
        // It may have changed between the drawing and now.
        listener();
        return () => {
          listeners.delete(listener);
        };
      }, []);
      return value;
    },
  };
}

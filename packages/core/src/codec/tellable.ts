import type { Codec } from "./codec.ts";

const clear = new WeakSet<object>();

/** Says that an error's text is Pillion's own, and quotes nothing of the job. */
export function sayingNothing<Thrown extends object>(error: Thrown): Thrown {
  clear.add(error);
  return error;
}

/** Whether what the error says may be logged and stored as it is. */
export function isTellable({ codec }: { readonly codec: Codec | undefined }, error: unknown): boolean {
  return codec === undefined || clear.has(Object(error));
}

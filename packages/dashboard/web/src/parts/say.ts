import { storeOf } from "../store.ts";

/** What an action has done: it stays until it is dismissed, or some time has passed. */
export interface Said {
  readonly key: number;
  readonly text: string;
  readonly page?: { readonly to: string; readonly text: string } | undefined;
}

export const said = storeOf<readonly Said[]>([]);
let last = 0;

export const dismiss = (key: number) => said.set(said.get().filter((one) => one.key !== key));

export function say(text: string, page?: Said["page"]): void {
  const key = ++last;
  said.set([...said.get().slice(-2), { key, text, page }]);
  setTimeout(() => dismiss(key), 20_000);
}

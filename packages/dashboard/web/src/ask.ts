import { type ActionName, type Actions, boardHeader, type Problem } from "../../src/api.ts";
import type { Answers, Refusal, Route } from "./answers.ts";
import { heardFrom } from "./clock.ts";

/** What came of a question: an answer, that nothing has changed, or why there is none. */
export type Reply<T> =
  | { readonly answer: T; readonly tag: string | null }
  | { readonly unchanged: true }
  | { readonly refusal: Refusal };

/** The address of a route below the mount, with its `:id` and its query filled in. */
export function addressOfRoute(route: Route, id: string | undefined, query: string): string {
  const path = id === undefined ? route : route.replace(":id", encodeURIComponent(id));
  return new URL(query === "" ? path : `${path}?${query}`, document.baseURI).href;
}

/** Asks once. `tag`: of the answer that is there, which the server then does not send again. */
export async function ask<R extends Route>(
  address: string,
  { tag, signal }: { tag?: string | null; signal?: AbortSignal } = {},
): Promise<Reply<Answers[R]>> {
  return reply(
    fetch(address, {
      cache: "no-store",
      headers: { accept: "application/json", ...(tag ? { "if-none-match": tag } : {}) },
      ...(signal ? { signal } : {}),
    }),
  );
}

/** Changes something, or says with `dryRun` what would be changed. */
export async function act<Name extends ActionName>(
  name: Name,
  body: Actions[Name]["takes"],
): Promise<Reply<Actions[Name]["answers"]>> {
  return reply(
    fetch(new URL(`api/actions/${name}`, document.baseURI), {
      method: "POST",
      cache: "no-store",
      headers: { "content-type": "application/json", accept: "application/json", [boardHeader]: "1" },
      body: JSON.stringify(body),
    }),
  );
}

async function reply<T>(asked: Promise<Response>): Promise<Reply<T>> {
  let response: Response;
  try {
    response = await asked;
    heardFrom(response.headers.get("date"));
    if (response.status === 304) return { unchanged: true };
    const answer = await response.json();
    if (response.ok) return { answer: answer as T, tag: response.headers.get("etag") };
    const retryAfter = Number(response.headers.get("retry-after"));
    const { code, title, detail, status } = answer as Problem;
    return {
      refusal: { code, title, detail, status, retryAfterMs: retryAfter > 0 ? retryAfter * 1_000 : null },
    };
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    return { refusal: unreachable };
  }
}

const unreachable: Refusal = {
  code: "UNREACHABLE",
  title: "The board's server does not answer",
  detail: "Is it still running? The page asks again by itself and goes on as soon as it answers.",
  status: 0,
  retryAfterMs: null,
};

import { storeOf } from "./store.ts";

/** Below the base path of the mount. */
const base = new URL(document.baseURI).pathname.replace(/\/$/, "");
const place = storeOf(location.pathname + location.search);
const tell = () => place.set(location.pathname + location.search);
window.addEventListener("popstate", tell);

/** Where the page is: its path below the mount, and what the URL asks for. */
export function usePlace(): { readonly path: string; readonly query: URLSearchParams } {
  const url = new URL(place.use(), location.origin);
  const path = url.pathname.slice(base.length).replace(/\/+$/, "");
  return { path: path === "" ? "/" : path, query: url.searchParams };
}

/** The address of a page: `/jobs?state=dead` below the mount. */
export const addressOf = (page: string) => `${base}${page}`;

/** `replace`: the place before is not one to go back to. */
export function go(page: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", addressOf(page));
  else {
    history.pushState(null, "", addressOf(page));
    window.scrollTo(0, 0);
  }
  tell();
}

/** The same page with other parameters: null takes one away. */
export function change(parameters: Readonly<Record<string, string | readonly string[] | null>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.delete(name);
    for (const one of typeof value === "string" ? [value] : (value ?? []))
      if (one !== "") url.searchParams.append(name, one);
  }
  go(`${url.pathname.slice(base.length)}${url.search}`, { replace: true });
}

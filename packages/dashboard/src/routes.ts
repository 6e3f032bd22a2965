import { actions } from "./actions.ts";
import type { ActionName, looks } from "./api.ts";
import { answers } from "./looks.ts";

/** A route below the mount. */
export type Route =
  | { readonly method: "GET"; readonly path: keyof typeof looks; readonly id: string }
  | { readonly method: "POST"; readonly path: `api/actions/${ActionName}`; readonly action: ActionName };

/** Every route of the API, by method and path. */
export const routes: readonly { readonly method: "GET" | "POST"; readonly path: string }[] = [
  ...Object.keys(answers).map((path) => ({ method: "GET" as const, path })),
  ...Object.keys(actions).map((name) => ({ method: "POST" as const, path: `api/actions/${name}` })),
];

/** The route of a path below the mount; undefined where there is none. */
export function routeOf(path: string): Route | undefined {
  const [, id, values] = /^api\/jobs\/([^/]+)(\/values)?$/.exec(path) ?? [];
  if (id !== undefined)
    return { method: "GET", path: values === undefined ? "api/jobs/:id" : "api/jobs/:id/values", id };
  if (!path.includes(":") && Object.hasOwn(answers, path))
    return { method: "GET", path: path as keyof typeof looks, id: "" };
  const action = /^api\/actions\/([^/]+)$/.exec(path)?.[1];
  if (action !== undefined && Object.hasOwn(actions, action))
    return { method: "POST", path: path as `api/actions/${ActionName}`, action: action as ActionName };
  return undefined;
}

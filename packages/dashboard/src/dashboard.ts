import { createHash } from "node:crypto";
import { InvalidConfigurationError } from "@pillion/core";
import type { Admin } from "@pillion/core/admin";
import { actions } from "./actions.ts";
import { type Authorize, viewerOf } from "./authorize.ts";
import { bodyOf } from "./body.ts";
import { secured } from "./headers.ts";
import { answers } from "./looks.ts";
import { asset, page } from "./page.ts";
import { ProblemError, problemOf } from "./problem.ts";
import { type Route, routeOf } from "./routes.ts";
import { refuseOtherSites } from "./same-site.ts";
import { SharedLooks } from "./shared-looks.ts";

/** How a board is made. */
export interface DashboardOptions {
  /** What the board looks through, and acts through: `createAdmin({ database })`. Who made it closes it. */
  readonly admin: Admin;
  /**
   * Asked for every request, of files and of the page too. True lets in; an object lets in, and may say who it is and
   * narrow what they may do; anything else is answered 401, and what it throws 500. It leaves the body
   * alone, which the board reads.
   */
  readonly authorize: Authorize;
  /** The path below which requests come in, as the browser sees it: `/admin/jobs`; default `/`. */
  readonly basePath?: string | undefined;
  /** True: nobody changes anything; default false. */
  readonly readOnly?: boolean | undefined;
  /** False: nobody is shown payloads, headers and results. By default they are shown where somebody asks for them. */
  readonly values?: boolean | undefined;
  /** The page's title; default `Pillion`. */
  readonly title?: string | undefined;
  /** Origins under which browsers reach it, where a proxy hides them: `https://shop.example`. */
  readonly origins?: readonly string[] | undefined;
  /** Told of what went wrong that no viewer is to read; by default `console.error`. */
  readonly onError?: ((message: string, error: unknown) => void) | undefined;
}

/** Answers requests. It keeps nothing running between them. */
export type Dashboard = (request: Request) => Promise<Response>;

/**
 * A board as a fetch handler: mount it below `basePath` for GET and POST. It never rejects: what goes wrong is an answer of
 * type application/problem+json.
 *
 * @throws InvalidConfigurationError without an `authorize`, or for a basePath that is none
 */
export function dashboard(options: DashboardOptions): Dashboard {
  const { admin, authorize, readOnly = false, values = true, title = "Pillion", origins = [] } = options;
  const { onError = (message, error) => console.error(message, error) } = options;
  if (typeof authorize !== "function")
    throw new InvalidConfigurationError(
      "dashboard: pass authorize(request), which answers true for those who may use the board. Without it everybody could.",
    );
  const mount = mountOf(options.basePath ?? "/");
  const shared = new SharedLooks();

  async function answer(request: Request, url: URL, path: string | undefined): Promise<Response> {
    const viewer = await viewerOf(authorize, request);
    if (path === undefined)
      throw new ProblemError(
        "NOT_FOUND",
        `The board is below ${mount || "/"}, and this is not. Its basePath is the path that the browser sees.`,
      );
    const route = routeOf(path);
    if (route === undefined && /^api(\/|$)/.test(path))
      throw new ProblemError("NOT_FOUND", "There is no such route.");
    const allowed = route?.method ?? "GET";
    if (request.method !== allowed && !(allowed === "GET" && request.method === "HEAD"))
      throw new ProblemError("METHOD_NOT_ALLOWED", `This is asked with ${allowed}.`, { allow: allowed });
    if (route === undefined) return path.startsWith("assets/") ? asset(path.slice(7)) : page(mount, path);
    const may = {
      name: viewer.name ?? null,
      readOnly: readOnly || viewer.readOnly === true,
      values: values && viewer.values !== false,
    };
    if (route.method === "POST") return act(request, route, may.readOnly);
    const look = async () =>
      JSON.stringify(await answers[route.path]({ admin, url, id: route.id, title, viewer: may }));
    // What differs from viewer to viewer, and what may be secret, is nobody else's.
    const own = route.path === "api/board" || route.path.endsWith("/values");
    return tagged(request, own ? await look() : await shared.of(`${path}${url.search}`, look));
  }

  async function act(
    request: Request,
    { action }: Route & { method: "POST" },
    forbidden: boolean,
  ): Promise<Response> {
    if (forbidden)
      throw new ProblemError("READ_ONLY", "You may look, and change nothing. Nothing was changed.");
    refuseOtherSites(request, origins);
    const given = await bodyOf(request);
    try {
      return Response.json(await actions[action](admin, given, request.signal));
    } finally {
      shared.forget();
    }
  }

  return async (request) => {
    let path: string | undefined;
    try {
      const url = new URL(request.url);
      path = pathBelow(mount, url.pathname);
      return secured(await answer(request, url, path));
    } catch (error) {
      const problem = problemOf(error, request.method === "POST", admin.schema);
      // Without the parameters: keys and headers of jobs stand in them.
      if (problem.status >= 500)
        onError(`pillion dashboard: ${request.method} ${path ?? "?"} failed.`, error);
      const { status, headers } = problem;
      return secured(
        new Response(JSON.stringify(problem), {
          status,
          headers: { ...headers, "content-type": "application/problem+json" },
        }),
      );
    }
  };
}

/** Without the slash at its end. */
function mountOf(basePath: string): string {
  if (typeof basePath !== "string" || !/^\/([\w.~!$&'()*+,;=:@%-]+(\/|$))*$/.test(basePath))
    throw new InvalidConfigurationError(
      `dashboard: basePath is ${JSON.stringify(basePath)}. Write it as the browser sees it: "/admin/jobs".`,
    );
  return basePath.replace(/\/$/, "");
}

function pathBelow(mount: string, pathname: string): string | undefined {
  if (pathname === mount) return "";
  if (!pathname.startsWith(`${mount}/`)) return undefined;
  try {
    return decodeURIComponent(pathname.slice(mount.length + 1));
  } catch {
    return undefined;
  }
}

function tagged(request: Request, body: string): Response {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  if (request.headers.get("if-none-match") === etag)
    return new Response(null, { status: 304, headers: { etag } });
  return new Response(body, { headers: { "content-type": "application/json", etag } });
}

import { boardHeader } from "./api.ts";
import { ProblemError } from "./problem.ts";

/**
 * A change comes from the board's own page: no form and no link can send the header, and no page of another origin without
 * being allowed to by CORS, which the board never does. Browsers say besides where a request comes from, and no script
 * can make them say otherwise; older ones, and pages without TLS, send Origin alone.
 *
 * Servers do not always tell by which name they were asked: in Next.js each URL begins with `http://localhost`, and behind a
 * proxy that ends TLS with `http:`. So the name counts that the browser has asked for, `Host`, which no script sets either.
 *
 * @throws ProblemError
 */
export function refuseOtherSites(request: Request, origins: readonly string[]): void {
  const refuse = (why: string): never => {
    throw new ProblemError("CROSS_SITE", `${why} Nothing was changed.`);
  };
  if (request.headers.get(boardHeader) === null) refuse(`A change needs the header ${boardHeader}.`);
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site === null && origin === null) refuse("The request does not say where it comes from.");
  if (site !== null && site !== "same-origin") refuse("The request comes from another site.");
  if (origin !== null && ![...ownOrigins(request, site !== null), ...origins].includes(origin))
    refuse(
      "The request comes from a page of another origin. Where a proxy changes the host, name the outer address: dashboard({ origins }).",
    );
}

/** `vouched`: the browser says that the page has the origin that it asks, so that only the scheme can be unknown here. */
function ownOrigins({ url, headers }: Request, vouched: boolean): string[] {
  const { origin, protocol } = new URL(url);
  const host = headers.get("host");
  if (host === null) return [origin];
  return [origin, ...(vouched ? ["http:", "https:"] : [protocol]).map((scheme) => `${scheme}//${host}`)];
}

import { boardHeader } from "./api.ts";
import { ProblemError } from "./problem.ts";

/**
 * A change comes from the board's own page: no form and no link can send the header, and no page of another origin without
 * being allowed to by CORS, which the board never does. Browsers say besides where a request comes from, and no script
 * can make them say otherwise; older ones, and pages without TLS, send Origin alone.
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
  const own = [new URL(request.url).origin, ...origins];
  if (site !== null && site !== "same-origin") refuse("The request comes from another site.");
  if (origin !== null && !own.includes(origin))
    refuse(
      "The request comes from a page of another origin. Where a proxy changes the address, name the outer one: dashboard({ origins }).",
    );
  if (site === null && origin === null) refuse("The request does not say where it comes from.");
}

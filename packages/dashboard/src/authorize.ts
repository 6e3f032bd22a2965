import { ProblemError } from "./problem.ts";

/** What a viewer may do. */
export interface Viewer {
  /** Who it is: shown on the page. */
  readonly name?: string | undefined;
  /** True: may look, and change nothing. */
  readonly readOnly?: boolean | undefined;
  /** False: may not ask for payloads, headers and results. */
  readonly values?: boolean | undefined;
}

/** True lets in, false and nothing do not; an object lets in, and says what the viewer may do. */
export type Authorization = boolean | Viewer | null | undefined;
/** Decides for each request who is let in: by its cookies and headers, and without reading its body. */
export type Authorize = (request: Request) => Authorization | Promise<Authorization>;

/** @throws ProblemError for whom `authorize` does not let in; whatever `authorize` throws lets nobody in either */
export async function viewerOf(authorize: Authorize, request: Request): Promise<Viewer> {
  const answer = await authorize(request);
  if (answer === true) return {};
  if (typeof answer === "object" && answer !== null && !Array.isArray(answer)) return answer;
  throw new ProblemError(
    "UNAUTHORIZED",
    "Sign in to the application that this board belongs to, and load the page again.",
  );
}

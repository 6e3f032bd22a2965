import { page as built } from "../generated/page.ts";
import { ProblemError } from "./problem.ts";

/** The pages, which one HTML shows: what stands behind the mount. */
const pages = /^(|queues|jobs|jobs\/[^/]+|dead|schedules|workers|doctor)$/;

/** Every file that the page loads, below the mount. */
export const assetPaths: readonly string[] = Object.keys(built.files).map((name) => `assets/${name}`);

/** A file whose name has a hash: it never changes. */
export function asset(name: string): Response {
  const file = Object.hasOwn(built.files, name) ? built.files[name] : undefined;
  if (!file) throw new ProblemError("NOT_FOUND", "There is no such file. Load the page again.");
  return new Response(file.text, {
    headers: { "content-type": file.type, "cache-control": "private, max-age=31536000, immutable" },
  });
}

/** The page, for every path that is one of its own; it says itself where there is none. */
export function page(mount: string, path: string): Response {
  return new Response(
    built.html.replaceAll("%BASE%", () => escaped(mount)),
    {
      status: pages.test(path) ? 200 : 404,
      headers: { "content-type": "text/html; charset=utf-8" },
    },
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

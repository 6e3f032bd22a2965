import { inject } from "vitest";

/** The tests' database, as another role sees it, and with other settings for each session from its first moment. */
export function urlWith(
  settings: Readonly<Record<string, string>>,
  role?: { readonly name: string; readonly password: string },
): string {
  const url = new URL(inject("databaseUrl"));
  if (role !== undefined) {
    url.username = role.name;
    url.password = role.password;
  }
  const options = Object.entries(settings).map(
    ([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, "\\$&")}`,
  );
  url.searchParams.set("options", options.join(" "));
  // A "+" is not read as a space.
  url.search = url.search.replaceAll("+", "%20");
  return url.href;
}

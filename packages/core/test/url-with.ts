import { inject } from "vitest";

/** The tests' database, or another, as another role sees it, and with other settings for each session from its first moment. */
export function urlWith(
  settings: Readonly<Record<string, string>>,
  role?: { readonly name: string; readonly password: string },
  database = inject("databaseUrl"),
): string {
  const url = new URL(database);
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

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Finding } from "@pillion/core/admin";

/** What the settings of migration tools in a folder come to: whether there are any, and those that are a danger to the queue. */
export interface ToolSettings {
  readonly found: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Whether drizzle-kit or Prisma, as they are set in the folder of an application, look at the queue's schema: what they
 * find there and their model does not have, they drop.
 *
 * @param folder where drizzle-kit and prisma would be run
 */
export function toolSettings(folder: string, schema: string): ToolSettings {
  const configs = filesIn(folder, /^drizzle\.config\.([mc]?[jt]s|json)$/);
  const models = [
    ...filesIn(folder, /^schema\.prisma$/),
    ...["prisma", "prisma/schema"].flatMap((below) => filesIn(folder, /\.prisma$/, below)),
  ];
  const findings = [
    ...configs.flatMap((file) => drizzleFindings(folder, file, schema)),
    ...models.flatMap((file) => prismaFindings(folder, file, schema)),
  ];
  return { found: configs.length + models.length > 0, findings };
}

function drizzleFindings(folder: string, file: string, schema: string): Finding[] {
  const text = textOf(folder, file);
  if (!/["'`]postgres/.test(text)) return [];
  const unset = !/\bschemaFilter\b/.test(text);
  const filter = /\bschemaFilter["']?\s*:\s*(\[[^\]]*\]|["'`][^"'`]*["'`])/.exec(text)?.[1];
  if (unset ? isBefore1(folder) : !lets(namesIn(filter), schema)) return [];
  return [
    finding(
      unset
        ? `${file} has no schemaFilter: drizzle-kit 1.0 looks at every schema of the database.`
        : `The schemaFilter in ${file} lets drizzle-kit see the queue's schema, "${schema}".`,
      "`drizzle-kit push` plans",
      `schemaFilter: ["public"]  # the schemas of your model, in ${file}`,
    ),
  ];
}

function prismaFindings(folder: string, file: string, schema: string): Finding[] {
  const listed = namesIn(/^\s*schemas\s*=\s*(\[[^\]]*\])/m.exec(textOf(folder, file))?.[1]);
  if (!listed.includes(schema)) return [];
  const others = listed.filter((name) => name !== schema);
  return [
    finding(
      `The datasource in ${file} lists the queue's schema, "${schema}".`,
      "`prisma db push` and `prisma migrate dev` plan",
      `schemas = ${JSON.stringify(others)}  # in ${file}`,
    ),
  ];
}

const finding = (what: string, plans: string, mend: string): Finding => ({
  code: "TOOL_SEES_QUEUE",
  severity: "warning",
  what,
  why: `${plans} to drop what its model does not have: the queue, with all its jobs.`,
  mend,
});

/** Of a list as it is written in a file. */
const namesIn = (list = "") => [...list.matchAll(/["'`]([^"'`]*)["'`]/g)].map((match) => match[1]!);

/** Whether a schema passes a filter as drizzle-kit 1.0 reads it. One that is computed is left to whoever wrote it. */
function lets(filter: readonly string[], schema: string): boolean {
  const literal = (text: string) => text.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&");
  const matches = (pattern: string) => RegExp(`^${pattern.split("*").map(literal).join(".*")}$`).test(schema);
  const refused = filter.filter((name) => name.startsWith("!"));
  const allowed = filter.filter((name) => !name.startsWith("!"));
  return (
    filter.length > 0 &&
    !refused.some((name) => matches(name.slice(1))) &&
    (allowed.length === 0 || allowed.some(matches))
  );
}

/** drizzle-kit 0.x looks at `public` alone. */
function isBefore1(folder: string): boolean {
  try {
    const main = createRequire(join(folder, "package.json")).resolve("drizzle-kit");
    const { version } = JSON.parse(readFileSync(join(dirname(main), "package.json"), "utf8"));
    return version.startsWith("0.");
  } catch {
    return false;
  }
}

function filesIn(folder: string, name: RegExp, below = ""): string[] {
  try {
    return readdirSync(join(folder, below))
      .filter((each) => name.test(each))
      .map((each) => join(below, each));
  } catch {
    return [];
  }
}

/** Without the lines that are turned off. */
function textOf(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), "utf8").replaceAll(/^\s*\/\/.*/gm, "");
  } catch {
    return "";
  }
}

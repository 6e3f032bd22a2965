import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { defaults } from "@pillion/core";
import { diagnoseDefaults } from "@pillion/core/admin";
import { expect, test } from "vitest";
import { linesOf, type Page, pages, root, sourcesOf } from "./pages.ts";

// Each test lists what is not true, as `page: what`.

const typescript = pages.flatMap((page) =>
  page.blocks.filter(({ language }) => language === "ts").map(({ code }) => ({ page, code })),
);

test("every TypeScript block of a page is copied from a file that is compiled, paragraph by paragraph", () => {
  expect(typescript.length).toBeGreaterThan(30);
  expect(
    typescript.flatMap(({ page, code }) => {
      const files = sourcesOf(page).map((file) => trimmed(linesOf(file).join("\n")));
      const paragraphs = code.trim().split(/\n\s*\n/);
      return paragraphs
        .filter((paragraph) => !files.some((file) => file.includes(trimmed(paragraph))))
        .map((paragraph) => `${page.path}: ${paragraph}`);
    }),
  ).toEqual([]);
});

test("a block of code is TypeScript, or of a language that the compiler does not know", () => {
  const known = ["ts", "js", "json", "sh", "sql", "prisma", ""];
  expect(
    pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(
          ({ language, code }) => !known.includes(language) || (language !== "ts" && /\bimport\b/.test(code)),
        )
        .map(({ language, code }) => `${path}: ${language} ${code}`),
    ),
  ).toEqual([]);
});

test("every signature in an adapter's table is one that its types.test-d.ts checks", () => {
  const tables = pages.flatMap((page) =>
    [...page.text.matchAll(/^\| (`tx: .*?) \|(.*)\| (.*) \|$/gm)].map(([, from, , to]) => ({
      page,
      from: from!,
      to: to!,
    })),
  );
  expect(tables.length).toBeGreaterThanOrEqual(14);
  expect(
    tables.flatMap(({ page, from, to }) => {
      const checked = linesOf(join(dirname(page.path), "test/types.test-d.ts")).join("\n");
      return [...`${from} ${to}`.matchAll(/`(tx: .+?)`/g)]
        .map(([, signature]) => signature!.replaceAll("\\|", "|"))
        .filter((signature) => !checked.includes(`(${signature})`))
        .map((signature) => `${page.path}: ${signature}`);
    }),
  ).toEqual([]);
});

test("every link leads to a file of the repository, and to a heading that is there", () => {
  const links = pages.flatMap((page) =>
    [...page.text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, file, heading]) => ({
      page,
      file,
      heading,
    })),
  );
  expect(links.length).toBeGreaterThan(30);
  expect(
    links
      .filter(({ page, file, heading }) => {
        const path = file ? normalize(join(dirname(page.path), file)) : page.path;
        if (!existsSync(join(root, path))) return true;
        const target = pages.find((other) => other.path === path);
        return heading !== undefined && !headingsOf(target!).includes(heading);
      })
      .map(({ page, file, heading }) => `${page.path}: ${file}#${heading}`),
  ).toEqual([]);
});

test("the tables of options name the defaults that hold", () => {
  const rows = pages
    .filter(({ path }) => path === "docs/jobs.md" || path === "docs/worker.md")
    .flatMap(({ text }) => text.split("\n").filter((line) => line.startsWith("| `")))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const cells = (name: string) => rows.find(([option]) => option === `\`${name}\``)!;
  for (const name of ["queue", "priority", "maxAttempts", "timeoutMs", "version", "uniqueUntil"] as const)
    expect(cells(name)[3], name).toMatch(new RegExp(`^\`?${defaults[name]}\`?$`));
  for (const name of ["concurrency", "leaseMs", "pollMs", "schema"] as const)
    expect(cells(name)[1], name).toMatch(new RegExp(`^\`?${defaults[name]}\`?$`));
  expect(defaults.backoff).toEqual({
    type: "exponential",
    baseMs: 1_000,
    factor: 2,
    maxMs: 3_600_000,
    jitter: 0.2,
  });
  expect(cells("backoff")[3]).toBe("exponential, 1 s doubling to 1 h");
});

test("the page on errors lists every code, with the class that has it", () => {
  const errors = linesOf("packages/core/src/errors.ts").join("\n");
  const codes = errors.match(/export type PillionErrorCode =\n([\s\S]*?);/)![1]!.match(/[A-Z_]{2,}/g)!;
  const classes = [...errors.matchAll(/class (\w+) extends PillionError[\s\S]*?super\("(\w+)"/g)];
  const { text } = pages.find(({ path }) => path === "docs/errors.md")!;
  const listed = [...text.matchAll(/^\| `([A-Z_]+)` \| `(\w+)` \|/gm)];
  expect(listed.map(([, code]) => code).sort()).toEqual([...codes].sort());
  expect(listed.map(([, code, name]) => `${code} ${name}`).sort()).toEqual(
    classes.map(([, name, code]) => `${code} ${name}`).sort(),
  );
});

test("the page on errors lists every code that the board answers, with its status and its title", () => {
  const source = linesOf("packages/dashboard/src/problem.ts").join("\n");
  const titles = [...source.matchAll(/^ {2}([A-Z_]+): \[(\d+), "(.*)"\],$/gm)];
  expect(titles.length).toBeGreaterThan(10);
  const { text } = pages.find(({ path }) => path === "docs/errors.md")!;
  const listed = [...text.matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (.*?) \|/gm)];
  expect(listed.map(([, status, code, title]) => `${code} ${status} ${title}`)).toEqual(
    titles.map(([, code, status, title]) => `${code} ${status} ${title}`),
  );
});

test("the page on the doctor lists every finding, and the limits that hold", () => {
  const codes = linesOf("packages/core/src/doctor/finding.ts")
    .join("\n")
    .match(/"[A-Z_]{2,}"/g)!;
  const { text } = pages.find(({ path }) => path === "docs/doctor.md")!;
  expect([...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => `"${code}"`)).toEqual(codes);
  expect(
    Object.fromEntries(
      [...text.matchAll(/ \| `(\w+)` \| (\d+) \|/g)].map(([, name, value]) => [name, Number(value)]),
    ),
  ).toEqual(diagnoseDefaults);
});

function trimmed(code: string): string {
  return code
    .trim()
    .split("\n")
    .map((line) => `\n${line.trim()}`)
    .join("");
}

function headingsOf({ text }: Page): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

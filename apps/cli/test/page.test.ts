import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exitCodes } from "../src/failure.ts";
import { ownQueue } from "./seeded.ts";

const path = new URL("../../../docs/cli.md", import.meta.url);

// `vitest -u` writes the page anew.
test("the page on the command line shows what the commands print, one after the other", async () => {
  const queue = await ownQueue();
  const page = readFileSync(path, "utf8");
  let written = "";
  let end = 0;
  for (const block of page.matchAll(/^```\n\$ pillion (.*)\n[^`]*```$/gm)) {
    const args = block[1]!.match(/'[^']*'|"[^"]*"|\S+/g)!.map((arg) => arg.replace(/^(['"])(.*)\1$/, "$2"));
    const { stdout, stderr } = await queue.run(...args);
    const said = `${stdout}${stderr}`
      .replaceAll("<schema>", "pillion")
      // The Monday after all that.
      .replaceAll("<time>", "2026-01-05 06:00:00Z")
      .replaceAll(/ +$/gm, "");
    written += `${page.slice(end, block.index)}\`\`\`\n$ pillion ${block[1]}\n${said.trim()}\n\`\`\``;
    end = block.index + block[0].length;
  }
  expect(end).toBeGreaterThan(0);
  await expect(written + page.slice(end)).toMatchFileSnapshot("../../../docs/cli.md");
});

test("the page, and the package's own, list the exit codes that --help prints", () => {
  const codes = [...exitCodes.matchAll(/^ {2}(\d+) +(.*)$/gm)].map(([, code, what]) => `${code} | ${what}`);
  expect(codes.length).toBeGreaterThan(8);
  for (const page of [path, new URL("../README.md", import.meta.url)]) {
    const listed = [...readFileSync(page, "utf8").matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)];
    expect(listed.map(([, code, what]) => `${code} | ${what}`)).toEqual(codes);
  }
});

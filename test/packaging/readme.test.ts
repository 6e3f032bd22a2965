import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scratchDatabase } from "@pillion/dev-postgres";
import { expect, inject, onTestFinished, test } from "vitest";

// Plays the README's "The first job" as it stands there: its files and its commands, and nothing else.

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const chapter = readme.split(/^## /m).find((text) => text.startsWith("The first job\n"))!;
const blocks = [...chapter.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}));

test("who follows the README in an empty folder, on a fresh database, sees the first job run", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "pillion-readme-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = await scratchDatabase(inject("databaseUrl"), "readme");
  onTestFinished(() => database.drop());

  for (const { language, text } of blocks)
    if (language === "ts") writeFileSync(join(folder, text.match(/^\/\/ ([\w-]+\.ts)\b/)![1]!), text);
  const commands = blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trim().split("\n"));
  const worker = commands.pop()!;
  expect(worker).toBe("npx tsx worker.ts");

  const env = shellEnvironment(database.url);
  for (const command of commands) {
    const { output, ended } = start(fromTarballs(command), folder, env);
    expect(await ended, `${command}\n${output()}`).toBe(0);
  }
  const { child, ended, says } = start(worker, folder, env);
  await says(/^invoice of order \S+$/m);
  // Ctrl-C, which a terminal sends to all that run in it.
  process.kill(-child.pid!, "SIGINT");
  await ended;
});

/** What is not yet in a registry comes from its tarball; the reader's database is the test's. */
function fromTarballs(command: string): string {
  if (command.startsWith("export DATABASE_URL=")) return "true";
  if (!command.startsWith("npm install ")) return command;
  const tarballs = new Map(inject("tarballs").map((tarball) => [tarball.name, tarball]));
  const words = command.split(" ");
  // What they depend on a registry would have too. The set grows while it is gone through.
  const wanted = new Set(words.filter((word) => tarballs.has(word)));
  for (const name of wanted) for (const need of tarballs.get(name)!.needs) wanted.add(need);
  const files = [...wanted].map((name) => tarballs.get(name)!.filename);
  return [...words.filter((word) => !wanted.has(word)), ...files].join(" ");
}

function shellEnvironment(databaseUrl: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|npm_(?!config_))/.test(name),
  );
  return { ...Object.fromEntries(own), DATABASE_URL: databaseUrl, npm_config_prefer_offline: "true" };
}

function start(command: string, cwd: string, env: NodeJS.ProcessEnv) {
  // A process group of its own, as a shell gives each command.
  const child = spawn(command, { cwd, env, shell: true, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let look = () => {};
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      look();
    });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
  });
  /** Waits until it has printed this, or has ended. */
  const says = (pattern: RegExp) =>
    Promise.race([
      new Promise<void>((resolve) => {
        look = () => pattern.test(text) && resolve();
        look();
      }),
      ended.then(() => expect(text).toMatch(pattern)),
    ]);
  return { child, ended, says, output: () => text };
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineJob, type } from "@pillion/core";
import { type Admin, createAdmin } from "@pillion/core/admin";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { runNode } from "../packaging/src/run-node.ts";
import { packAll } from "../packaging/src/tarballs.ts";
import { type Browser, startBrowser } from "./tab.ts";

// A Next.js application with the board in it, as docs/dashboard.md says, installed outside this repository.

const folder = realpathSync(mkdtempSync(join(tmpdir(), "pillion-next-")));
const app = join(folder, "app");
const next = join(app, "node_modules/next/dist/bin/next");
const env = { NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1" };
const mail = defineJob({ name: "mail.send", payload: type<{ to: string }>(), queue: "mail" });

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser(inject("chromium"));
  cpSync(fileURLToPath(new URL("next/", import.meta.url)), app, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(app, "package.json"), "utf8"));
  for (const { name, filename } of packAll(folder))
    if (/^@pillion\/(core|dashboard)$/.test(name)) manifest.dependencies[name] = `file:${filename}`;
  writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"], {
    cwd: app,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
}, 300_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("`next build` compiles the route against the packed types, without a database", async () => {
  const { exitCode, output } = await runNode(app, [next, "build"], { ...env, DATABASE_URL: "" });
  expect(exitCode, output).toBe(0);
  expect(output).toContain("/admin/jobs/[[...path]]");
});

test.each(["start", "dev"])(
  "`next %s` serves the board to whom it lets in, and does what is asked of it there",
  async (command) => {
    const { admin, url } = await queue();
    const { id } = await admin.enqueue(mail({ to: "ada" }));
    const origin = await serving(command, url);
    for (const path of ["", "/queues", "/api/queues", "/api/jobs/1/values", "/assets/nothing.js"])
      expect([path, (await fetch(`${origin}/admin/jobs${path}`)).status]).toEqual([path, 401]);
    const unasked = await fetch(`${origin}/admin/jobs/api/actions/purge`, { method: "POST", body: "{}" });
    expect(unasked.status).toBe(401);

    const tab = await browser.open(`${origin}/sign-in`);
    const { page } = tab;
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.getByRole("link", { name: "Jobs", exact: true }).click();
    await page.locator(".jobs .id").getByText(id).click();
    await page.getByRole("heading", { level: 1, name: "mail.send" }).waitFor();
    // An address inside the board is one of the application's too.
    await page.reload();
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText('"to": "ada"').waitFor();
    await page.getByRole("link", { name: "Queues", exact: true }).click();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await page.getByRole("status").getByText("Queue mail is paused.").waitFor();
    expect((await admin.queues()).map(({ name, pausedAt }) => [name, pausedAt !== null])).toEqual([
      ["mail", true],
    ]);
    expect(tab.faults()).toEqual([]);
  },
);

async function queue(): Promise<{ admin: Admin; url: string }> {
  const database = await scratchDatabase(inject("databaseUrl"), "next");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  const admin = createAdmin({ database: database.url });
  onTestFinished(() => admin.close());
  return { admin, url: database.url };
}

/** Starts the application on a port that is free, and answers its origin. */
async function serving(command: string, databaseUrl: string): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [next, command, "-p", "0", "-H", "127.0.0.1"], {
    cwd: app,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, DATABASE_URL: databaseUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  let printed = "";
  const over = ended.then(() => expect.fail(`next ${command} has ended: ${printed}`));
  over.catch(() => {});
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text) => {
      printed += text;
    });
  for (;;) {
    const origin = /Local: +(http:\S+)/.exec(printed)?.[1];
    if (origin) return origin;
    await Promise.race([once(child.stdout!, "data"), over]);
  }
}

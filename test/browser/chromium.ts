import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The Chromium of this computer. Where there is none, root installs Debian's.
 *
 * @throws Error where there is none and it cannot be installed: it says what to do
 */
export function chromiumCommand(): { readonly command: string; readonly version: string } {
  const command = find() ?? install();
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return { command, version: stdout.trim() };
}

function find(): string | undefined {
  const folders = (process.env.PATH ?? "").split(":");
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => existsSync(file));
}

function install(): string {
  const advice = "These tests need the program `chromium`. Install it (Debian: `apt-get install chromium`)";
  if (process.getuid?.() !== 0)
    throw new Error(`${advice}, or run them as root on Debian, and they install it.`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-inter"]]) {
    const { status, error, stdout, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (error !== undefined) throw new Error(`${advice}: there is no apt-get here (${error.message}).`);
    if (status !== 0)
      throw new Error(`${advice}: \`apt-get ${args.join(" ")}\` ended with ${status}.\n${stdout}${stderr}`);
  }
  const installed = find();
  if (installed === undefined) throw new Error(`${advice}: apt-get has put none on the PATH.`);
  return installed;
}

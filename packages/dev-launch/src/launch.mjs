// Plain Node without dependencies: it runs before anything is installed, so launchers import it by its path.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The workspace's root folder. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

const signals = process.platform === "win32" ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a launcher: whatever it throws becomes one line on stderr, and its number the exit code.
 *
 * @param {() => Promise<number>} steps
 */
export async function launch(steps) {
  try {
    process.exitCode = await steps();
  } catch (error) {
    console.error(error instanceof Failed ? error.message : error);
    process.exitCode = error instanceof Failed ? error.code : 1;
  }
}

/** A step that ended with another code than 0. */
class Failed extends Error {
  /** @param {string} message @param {number} code */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * Installs part of the workspace exactly as the lock file says, and runs the `generate` scripts in it.
 *
 * @param {{ select: string[], production?: boolean }} options pnpm's selection of packages, and whether
 *   their devDependencies stay out
 */
export async function install({ select, production = false }) {
  if (!everythingInstalled()) {
    const only = production ? ["--prod"] : [];
    await step(
      "Installing dependencies",
      ...pnpm([...select, "install", "--frozen-lockfile", "--prefer-offline", ...only]),
    );
  }
  for (const { folder, script } of generators()) {
    const code = await run(process.execPath, script, { cwd: folder, quiet: true });
    if (code !== 0) throw new Failed(`Generating code in ${folder} failed (exit code ${code}).`, code);
  }
}

/** The installed packages that have a script `generate`: `node file.mjs`, which does nothing where nothing changed. */
function generators() {
  const within = (/** @type {string} */ folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const packages = ["packages", "apps"].flatMap((folder) => within(join(root, folder)));
  return [
    ...packages,
    ...packages.flatMap((folder) => [...within(join(folder, "test")), join(folder, "web")]),
  ]
    .filter((folder) => existsSync(join(folder, "package.json")) && existsSync(join(folder, "node_modules")))
    .flatMap((folder) => {
      const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      return scripts?.generate ? { folder, script: scripts.generate.split(" ").slice(1) } : [];
    });
}

/**
 * Runs a program, prints what it prints, and answers its exit code. It gets each SIGINT, SIGTERM and SIGHUP of
 * this process once, whoever sent them; when it ends, whatever it started and left behind is stopped.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, typed?: boolean }} [options] `quiet`: print only if
 *   it fails; `typed`: it reads what is typed
 * @returns {Promise<number>}
 */
export function run(command, args, { cwd = root, env = process.env, quiet = false, typed = false } = {}) {
  return new Promise((resolve, reject) => {
    const output = quiet ? "pipe" : "inherit";
    // A group of its own: a terminal's Ctrl-C reaches it through us, and only once.
    const group = process.platform !== "win32";
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: [typed ? "inherit" : "ignore", output, output],
      detached: group,
      shell: !group && !/\.exe$/i.test(command),
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text) => {
        printed += text;
      });
    const send = (/** @type {NodeJS.Signals} */ signal) => {
      try {
        if (group && child.pid) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // Nobody is left to hear it.
      }
    };
    let stoppedBy = "";
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      // Whoever asks twice does not want to wait.
      send(stoppedBy ? "SIGKILL" : signal);
      stoppedBy = signal;
    };
    for (const signal of signals) process.on(signal, forward);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      for (const name of signals) process.removeListener(name, forward);
      send("SIGTERM");
      const exitCode = stoppedBy || signal ? code || exitCodeOf(stoppedBy || signal) : (code ?? 1);
      if (quiet && exitCode !== 0 && !stoppedBy) process.stderr.write(printed);
      resolve(exitCode);
    });
  });
}

/** Runs a program of the workspace that is written in TypeScript, through the tsx of its own package. */
export function runTypeScript(/** @type {string} */ file, /** @type {string[]} */ args) {
  const tsx = pathToFileURL(createRequire(file).resolve("tsx"));
  return run(process.execPath, ["--import", tsx.href, file, ...args], { typed: true });
}

async function step(
  /** @type {string} */ title,
  /** @type {string} */ command,
  /** @type {string[]} */ args,
) {
  const started = Date.now();
  process.stderr.write(`${title} …`);
  const code = await run(command, args, { quiet: true });
  process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  if (code !== 0) throw new Failed(`${title} failed (exit code ${code}).`, code);
}

/** pnpm through the npm that runs this script, or through npx. */
function pnpm(/** @type {string[]} */ args) {
  const npm = process.env.npm_execpath;
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const call = ["--yes", `pnpm@${devDependencies.pnpm}`, ...args];
  return /** @type {const} */ (
    npm?.endsWith("npm-cli.js") && existsSync(join(dirname(npm), "npx-cli.js"))
      ? [process.execPath, [join(dirname(npm), "npx-cli.js"), ...call]]
      : ["npx", call]
  );
}

/** pnpm keeps a copy of the lock file of what it installed: equal to ours, there is nothing to add or remove. */
function everythingInstalled() {
  const installed = join(root, "node_modules/.pnpm/lock.yaml");
  return (
    existsSync(installed) &&
    readFileSync(installed, "utf8") === readFileSync(join(root, "pnpm-lock.yaml"), "utf8")
  );
}

function exitCodeOf(/** @type {string | null} */ signal) {
  return { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal ?? ""] ?? 1;
}

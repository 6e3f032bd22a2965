import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

const launcher = new URL("../src/launch.mjs", import.meta.url).href;

/** A launcher that runs `program`, in a process group of its own as a terminal would make it. */
function launch(program: string, options: { typed?: boolean } = {}) {
  const script = `import { launch, run } from ${JSON.stringify(launcher)};
    await launch(() => run(process.execPath, ["-e", ${JSON.stringify(program)}], ${JSON.stringify(options)}));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "close").then(([code]) => code as number);
  const lines: AsyncIterator<string> = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    exited,
    line: async (): Promise<string | undefined> => (await lines.next()).value,
  };
}

test("a launcher's exit code is that of the program it ran", async () => {
  expect(await launch("process.exitCode = 7").exited).toBe(7);
});

for (const [sender, send] of [
  ["Ctrl-C in its terminal", (pid: number) => process.kill(-pid, "SIGINT")],
  ["SIGINT sent to it alone", (pid: number) => process.kill(pid, "SIGINT")],
] as const)
  test(`${sender} reaches the program once, and the launcher waits until it has cleaned up`, async () => {
    const { child, exited, line } = launch(`
      process.on("SIGINT", () => { console.log("asked"); setImmediate(() => { console.log("clean"); process.exit(0); }); });
      setInterval(() => {}, 1000); console.log("ready");`);
    expect(await line()).toBe("ready");
    send(child.pid!);
    expect([await line(), await line(), await line()]).toEqual(["asked", "clean", undefined]);
    expect(await exited).toBe(130);
  });

test("what the program started and left behind is stopped with it", async () => {
  // The orphan holds the output open as long as it lives.
  const { exited, line } = launch(`
    const { spawn } = require("node:child_process");
    const orphan = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('orphan')"],
      { stdio: ["ignore", "inherit", "ignore"] });
    orphan.once("spawn", () => process.exit(0));`);
  expect([await line(), await line()]).toContain(undefined);
  expect(await exited).toBe(0);
});

test("a program that ignores the first Ctrl-C is killed by the second", async () => {
  const { child, exited, line } = launch(`
    process.on("SIGINT", () => console.log("not yet")); setInterval(() => {}, 1000); console.log("ready");`);
  expect(await line()).toBe("ready");
  process.kill(child.pid!, "SIGINT");
  expect(await line()).toBe("not yet");
  process.kill(child.pid!, "SIGINT");
  expect(await exited).toBe(130);
});

test("what is typed reaches a program that reads it", async () => {
  const { child, exited, line } = launch(
    `process.stdin.once("data", (text) => { console.log("read " + text); process.exit(); }); console.log("ready");`,
    { typed: true },
  );
  expect(await line()).toBe("ready");
  child.stdin.write("Enter");
  expect(await line()).toBe("read Enter");
  expect(await exited).toBe(0);
});

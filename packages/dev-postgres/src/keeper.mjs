// Keeps one Postgres server for the process at the other end of its standard input, and stops it when that end
// closes: also when that process is killed and can clean up nothing. It stands in a process group of its own,
// so that a terminal's Ctrl-C does not take the server away from under a test that is still closing.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const { postgres, args, user, directory } = JSON.parse(process.argv[2]);

const server = spawn(postgres, args, { ...user, cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
const stop = () => server.kill("SIGINT");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
process.stdin.on("close", stop).resume();
// Nobody may be left to read what is written here.
process.stderr.on("error", () => {});

server.once("error", (error) => {
  console.error(error.message);
  leave(1);
});
server.once("exit", (code) => leave(code ?? 1));

function leave(code) {
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}

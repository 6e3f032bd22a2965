// Keeps one server for the process at the other end of its standard input, and stops it when that end
// closes: also when that process is killed and can clean up nothing. It stands in a process group of its own,
// so that a terminal's Ctrl-C does not take the server away from under a test that is still closing.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const { command, args, user, directory, stopBy } = JSON.parse(process.argv[2]);

let server = start();
let again = false;
function start() {
  const started = spawn(command, args, { ...user, cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  started.once("error", (error) => {
    console.error(error.message);
    leave(1);
  });
  started.once("exit", (code) => {
    if (!again) return leave(code ?? 1);
    again = false;
    server = start();
  });
  return started;
}

const stop = () => {
  again = false;
  server.kill(stopBy);
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
// What comes in is a signal's name: the server gets it, and is started again when it has ended.
process.stdin.setEncoding("utf8").on("data", (signal) => {
  again = true;
  server.kill(signal);
});
process.stdin.on("close", stop);
// Nobody may be left to read what is written here.
process.stderr.on("error", () => {});

function leave(code) {
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}

// `pnpm bench <name>`: installs what the benches need beside the workspace, and runs one.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { install, launch, run } from "../../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  const others = ["./test/matrix", "./test/packaging", "./test/nest"];
  await install({ select: others.flatMap((folder) => ["--filter", `!${folder}`]) });
  const node = nodeForPeers();
  if (node === undefined) {
    console.error(
      "The benches run all their processes on one Node, and Graphile Worker needs 22.18 or later.",
    );
    return 1;
  }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx"));
  const main = fileURLToPath(new URL("src/main.ts", import.meta.url));
  return run(node, ["--import", tsx.href, main, ...process.argv.slice(2)]);
});

/** This Node where it is new enough for the peers, or the one that is installed for them. */
function nodeForPeers() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const installed = fileURLToPath(new URL("node_modules/node-24/bin/node", import.meta.url));
  return existsSync(installed) ? installed : undefined;
}

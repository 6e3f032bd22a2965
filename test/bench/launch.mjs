// `pnpm bench <name>`: installs what the benches need beside the workspace, and runs one.
import { fileURLToPath } from "node:url";
import { install, launch, runTypeScript } from "../../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  const others = ["./test/matrix", "./test/packaging"];
  await install({ select: others.flatMap((folder) => ["--filter", `!${folder}`]) });
  return runTypeScript(fileURLToPath(new URL("src/main.ts", import.meta.url)), process.argv.slice(2));
});

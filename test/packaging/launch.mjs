// `npm run test:packaging`: packs what is published, installs it elsewhere and uses it. Arguments go to vitest.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, launch, root, run } from "../../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  const heavy = ["./test/matrix", "./test/bench", "./test/migration-tools"];
  await install({ select: heavy.flatMap((folder) => ["--filter", `!${folder}`]) });
  const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return run(process.execPath, [vitest, "run", "--config", config, ...process.argv.slice(2)]);
});

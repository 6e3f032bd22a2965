// `npm run demo`: installs what the demo needs, and no more, and runs it. Arguments go to the demo.
import { fileURLToPath } from "node:url";
import { install, launch, runTypeScript } from "../../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  await install({
    select: ["--filter-prod", "@pillion/demo...", "--filter-prod", "./packages/dashboard/web"],
    production: true,
  });
  return runTypeScript(fileURLToPath(new URL("src/main.ts", import.meta.url)), process.argv.slice(2));
});

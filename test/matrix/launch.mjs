// `npm run test:matrix`: the set-up of `npm test` and four more majors of Postgres. `-- --check` writes nothing.
import { fileURLToPath } from "node:url";
import { install, launch, runTypeScript } from "../../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  const heavy = ["./test/packaging", "./test/nest", "./test/bench", "./test/migration-tools"];
  await install({ select: heavy.flatMap((folder) => ["--filter", `!${folder}`]) });
  return runTypeScript(fileURLToPath(new URL("src/main.ts", import.meta.url)), process.argv.slice(2));
});

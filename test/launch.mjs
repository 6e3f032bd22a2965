// `npm test`: everything from a clean clone to the result, with Node and npm alone. Arguments go to vitest.
import { join } from "node:path";
import { install, launch, root, run } from "../packages/dev-launch/src/launch.mjs";

await launch(async () => {
  // The other majors of Postgres, the packaging checks, the browser, the benchmarks and the migration tools bring
  // dependencies of their own.
  const heavy = [
    "./test/matrix",
    "./test/packaging",
    "./test/nest",
    "./test/bench",
    "./test/browser",
    "./test/migration-tools",
  ];
  await install({ select: heavy.flatMap((folder) => ["--filter", `!${folder}`]) });
  return run(process.execPath, [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    ...process.argv.slice(2),
  ]);
});

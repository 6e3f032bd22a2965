import { startPostgres } from "./server.ts";

/** `tsx packages/dev-postgres/src/serve.ts`: a server for an afternoon's work; prints its URL, stops on Ctrl-C. */
const server = await startPostgres();
console.log(server.url);
const keep = setInterval(() => {}, 1 << 30);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, async () => {
    clearInterval(keep);
    await server.stop();
  });

export { type RunningPostgres, startPostgres } from "./server.ts";

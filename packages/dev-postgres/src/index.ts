export { dropScratch } from "./drop-scratch.ts";
export { type RunningPgBouncer, startPgBouncer } from "./pgbouncer.ts";
export { type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";
export { type ScratchQueue, scratchQueue } from "./scratch-queue.ts";
export { type ScratchSchema, scratchSchema } from "./scratch-schema.ts";
export { type RunningPostgres, startPostgres } from "./server.ts";

export { dropScratchDatabases, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";
export { dropScratchSchemas, type ScratchSchema, scratchSchema } from "./scratch-schema.ts";
export { type RunningPostgres, startPostgres } from "./server.ts";

export { dropScratchSchemas, type ScratchSchema, scratchSchema } from "./scratch-schema.ts";
export { type RunningPostgres, startPostgres } from "./server.ts";

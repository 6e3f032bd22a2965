import { register } from "node:module";

// `node --import @pillion/dev-program/compile program.ts`, for programs that load others by their paths, and so cannot be
// one file.
register("./compile-hooks.mjs", import.meta.url);

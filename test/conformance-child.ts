// Built, this is what Node runs in place of the suite's own child.ts, whose path follows as the first argument.
process.argv.splice(1, 1);
await import("../packages/conformance/src/child.ts");

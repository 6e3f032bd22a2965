export { measureQueues } from "./measure-queues.ts";
export { measureWorker } from "./measure-worker.ts";
export { propagateTrace } from "./propagate-trace.ts";
export { traceHandlers } from "./trace-handlers.ts";

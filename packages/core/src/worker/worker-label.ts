import { hostname } from "node:os";

/** Who a worker of this process is, for people. */
export const workerLabel = (): string => `${hostname()} ${process.pid}`;

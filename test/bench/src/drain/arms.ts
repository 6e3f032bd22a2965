import type { Mode, SystemName } from "../arms/arm.ts";

/** One way to drain; what is slow is measured on fewer jobs, or for a shorter time. */
export interface Arm {
  readonly system: SystemName;
  readonly mode: Mode;
  readonly processes?: number;
  readonly handler?: "noop" | "sleep";
  readonly share?: number;
  readonly limitMs?: number;
}

export const ours: Readonly<Record<string, Arm>> = {
  "pillion, best": { system: "pillion", mode: "best" },
  "pillion, default": { system: "pillion", mode: "default" },
  "pillion, best, 2 processes": { system: "pillion", mode: "best", processes: 2 },
  "pillion, best, 5 ms handler": { system: "pillion", mode: "best", handler: "sleep", share: 0.5 },
  "pillion, default, 5 ms handler": { system: "pillion", mode: "default", handler: "sleep", share: 0.2 },
  "pillion, default, 5 ms handler, 2 processes": {
    system: "pillion",
    mode: "default",
    processes: 2,
    handler: "sleep",
    share: 0.4,
  },
};

export const peers: Readonly<Record<string, Arm>> = {
  "graphile-worker, best": { system: "graphile-worker", mode: "best" },
  "graphile-worker, default": { system: "graphile-worker", mode: "default", share: 0.1 },
  "graphile-worker, best, 2 processes": { system: "graphile-worker", mode: "best", processes: 2 },
  "graphile-worker, best, 5 ms handler": {
    system: "graphile-worker",
    mode: "best",
    handler: "sleep",
    share: 0.2,
  },
  "pg-boss, best": { system: "pg-boss", mode: "best" },
  "pg-boss, default": { system: "pg-boss", mode: "default", share: 0.01, limitMs: 10_000 },
  "pg-boss, best, 2 processes": { system: "pg-boss", mode: "best", processes: 2 },
  "pg-boss, best, 5 ms handler": { system: "pg-boss", mode: "best", handler: "sleep" },
};

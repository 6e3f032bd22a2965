import type { Pool } from "pg";

/** A system that runs jobs of ten steps; each in a database of its own. */
export interface Stepper {
  /** Creates its tables in an empty database. */
  prepare(pool: Pool): Promise<void>;
  /** Removes all jobs, and puts so many in. */
  fill(pool: Pool, jobs: number): Promise<void>;
  /** In a worker's process: runs the jobs until the answer is called, and tells of each whose handler has ended. */
  work(url: string, mode: StepMode, onDone: () => void): Promise<() => Promise<void>>;
  /** Whether a job is left whose end is not written. */
  holds(pool: Pool): Promise<boolean>;
  /** How many jobs have completed, and how many steps are recorded. */
  written(pool: Pool): Promise<{ readonly jobs: number; readonly steps: number }>;
}

export type StepperName = "pillion" | "absurd-sdk";

/** `best`: the settings that a try found to be the fastest; `one`: one job at a time. */
export type StepMode = "default" | "best" | "one";

export const stepsOfJob = 10;

/** What a step does, and answers: nothing that takes time. */
export const answer = (step: number) => ({ step, amount: 4_200 });

/** Loads a system only where it is driven. */
export async function stepperOf(name: StepperName): Promise<Stepper> {
  return name === "pillion"
    ? (await import("./pillion-steps.ts")).pillionSteps
    : (await import("./absurd-steps.ts")).absurdSteps;
}

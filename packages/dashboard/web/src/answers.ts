import type { LookAnswers, Problem } from "../../src/api.ts";

export type { LookAnswers as Answers };
export type Route = keyof LookAnswers;

/** Why there is no answer: what the server says, or that nobody does. */
export interface Refusal extends Pick<Problem, "status" | "title" | "detail"> {
  readonly code: Problem["code"] | "UNREACHABLE";
  /** When to ask again, where the server has said so. */
  readonly retryAfterMs: number | null;
}

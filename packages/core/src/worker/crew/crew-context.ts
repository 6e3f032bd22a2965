import type { Around, Handler } from "../../handler/handler.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { Outcome, Written } from "../attempt/outcome.ts";
import type { StepWriter } from "../attempt/step-writer.ts";
import type { ClaimsUnderWay } from "../claims-under-way.ts";
import type { Link } from "../link.ts";
import type { Logger } from "../logger.ts";

/** What a crew needs of the worker that it belongs to. */
export interface CrewContext {
  readonly link: Link;
  readonly steps: StepWriter;
  readonly underWay: ClaimsUnderWay;
  /** Handlers that have taken steps: their jobs get rows of their own at the claim. */
  readonly stepping: Set<Handler>;
  readonly logger: Logger;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly around: Around | undefined;
  readonly leaseMs: number;
  /** Every attempt of the worker, from its claim to the writing of its outcome. */
  readonly attempts: Set<Attempt>;
  readonly worker: () => string;
  /** Writes every outcome but a completion. */
  readonly write: (attempt: Attempt, outcome: Outcome) => Promise<Written>;
  /** Called when a handler is about to be called, when it has ended, and when its outcome is written. */
  readonly onStart: (attempt: Attempt) => void;
  readonly onEnd: (attempt: Attempt, outcome: Outcome) => void;
  readonly onWritten: (attempt: Attempt, outcome: Outcome, written: Written) => void;
}

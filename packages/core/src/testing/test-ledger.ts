import type { Ground } from "../adapter/ground.ts";
import { InvalidRequestError } from "../errors.ts";
import type { SettleStatus } from "../postgres/fence.ts";
import { type RecordedStep, readCheckpoints, readStatus, readStepsAnswer } from "../postgres/steps.ts";
import type { Attempt } from "../worker/attempt/attempt.ts";
import type { Awaited, Entry, StepLedger } from "../worker/attempt/ledger.ts";
import type { Stretches } from "./stretches.ts";

/** Stores the steps of a job in the test's transaction, each at the end of a stretch. */
export class TestLedger<Tx extends object> implements StepLedger {
  constructor(
    private readonly attempt: Attempt,
    private readonly ground: Ground<Tx>,
    private readonly stretches: Stretches<Tx>,
    private readonly now: string | null,
  ) {}

  async open(): Promise<void> {}

  record(step: Entry, result: string | null, error: string | null): Promise<void> {
    return this.stretches.keep((tx) => this.write(tx, step, { result, error, effects: false }));
  }

  wait({ kind, position, name }: Entry, what: Awaited): Promise<void> {
    const { id, claim } = this.attempt;
    const { engine } = this.ground;
    const input = { id, claim, kind, position, name, ...what, now: this.now };
    return this.stretches.keep(async (tx) =>
      this.#check(readStatus(await this.ground.send(tx, engine.beginWait(input)))),
    );
  }

  read(): Promise<readonly RecordedStep[]> {
    const { id, claim } = this.attempt;
    const statement = this.ground.engine.readSteps({ id, claim, now: this.now });
    return this.stretches.alone(async (tx) => {
      for (;;) {
        const { status, again, steps } = readStepsAnswer(await this.ground.send(tx, statement));
        this.#check(status);
        if (!again) return steps;
      }
    });
  }

  /** Records a step within the stretch. */
  async write(
    tx: Tx,
    step: Entry,
    what: { readonly result: string | null; readonly error: string | null; readonly effects: boolean },
  ): Promise<void> {
    const { id, claim } = this.attempt;
    const { kind, position, name } = step;
    const { result, error, effects } = what;
    const { engine } = this.ground;
    const input = { id, claim, position, name, result, tookMs: () => step.tookMs() };
    const status = effects
      ? readStatus(await this.ground.send(tx, engine.checkpoint(input)))
      : readCheckpoints(await this.ground.send(tx, engine.checkpoints([{ ...input, kind, error }])), 1)[0]!;
    this.#check(status);
  }

  #check(status: SettleStatus): void {
    if (status === "done") return;
    throw new InvalidRequestError(
      `${this.attempt} does not run in the test's transaction any more: its handler has rolled that back. Leave that to ` +
        "the test.",
    );
  }
}

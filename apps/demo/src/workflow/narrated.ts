import type { CommittingRun } from "@pillion/core/adapter";

/** What happened to a step, or to a wait, for the screen. */
export interface Told {
  readonly attempt: number;
  readonly step: string;
  /** `stored`: an earlier attempt has finished it, and its code did not run. */
  readonly what: "ran" | "failed" | "stored" | "came";
  /** How often its code has run by now, where it has. */
  readonly run?: number | undefined;
  /** What it answered, or the message of its error. */
  readonly detail: string;
}

/** Where a handler's story goes. */
export interface Diary {
  /** Notes, in a commit of its own, that the code of a step begins to run; answers for which time. */
  begins(orderId: number, step: string, attempt: number): Promise<number>;
  tell(told: Told): void;
}

type Given<Tx, Options> = Parameters<CommittingRun<Tx, Options, { orderId: number }, unknown>>[0];

/** What the handler of this scene uses of its job: the same, but each step says whether its code ran. */
export function narrated<Tx, Options>(
  job: Given<Tx, Options>,
  { begins, tell }: Diary,
): Pick<Given<Tx, Options>, "payload" | "key" | "step" | "stepTx" | "waitForEvent"> {
  const { attempt, payload } = job;
  const say = (step: string, what: Told["what"], detail: unknown, run?: number) =>
    tell({ attempt, step, what, run, detail: detail === undefined ? "" : JSON.stringify(detail) });
  async function watch<Answer, Args extends unknown[]>(
    step: string,
    fn: (...args: Args) => Answer | Promise<Answer>,
    start: (fn: (...args: Args) => Promise<Answer>) => Promise<Answer>,
  ): Promise<Answer> {
    let run: number | undefined;
    try {
      const answer = await start(async (...args) => {
        run = await begins(payload.orderId, step, attempt);
        return fn(...args);
      });
      say(step, run === undefined ? "stored" : "ran", answer, run);
      return answer;
    } catch (error) {
      say(step, "failed", (error as Error).message, run);
      throw error;
    }
  }
  return {
    payload,
    key: (name) => job.key(name),
    step: (name, fn) => watch(name, fn, (fn) => job.step(name, fn)),
    stepTx: (name, fn, options) => watch(name, fn, (fn) => job.stepTx(name, fn, options)),
    async waitForEvent(event, options) {
      const come = await job.waitForEvent(event, options);
      say(event.type.name, "came", come);
      return come;
    },
  };
}

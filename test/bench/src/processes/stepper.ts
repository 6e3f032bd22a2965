import { type StepMode, type StepperName, stepperOf } from "../effects/stepper.ts";
import { now, serve } from "./serve.ts";

let stop: (() => Promise<void>) | undefined;

serve({
  /** Runs jobs until the last handler has ended; answers when the first was begun, and stop() follows. */
  async run(system: StepperName, url: string, mode: StepMode, jobs: number): Promise<number> {
    const stepper = await stepperOf(system);
    let done = 0;
    let end!: () => void;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const startAt = now();
    stop = await stepper.work(url, mode, () => {
      if (++done === jobs) end();
    });
    await ended;
    return startAt;
  },
  async stop() {
    await stop?.();
    stop = undefined;
  },
});

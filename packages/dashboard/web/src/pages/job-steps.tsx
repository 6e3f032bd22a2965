import type { JobAnswer, StepView } from "../../../src/api.ts";
import { useNow } from "../clock.ts";
import { duration } from "../format.ts";
import { Ago, Lasted } from "../parts/ago.tsx";
import { ErrorBlock } from "../parts/error-block.tsx";
import { JobLink } from "../parts/link.tsx";
import { Shape, State } from "../parts/state.tsx";

type ChildView = JobAnswer["children"][number];

const kinds: Readonly<Record<StepView["kind"], string>> = {
  step: "step",
  stepTx: "step in a transaction",
  sleep: "sleep",
  event: "waits for an event",
  run: "runs children",
};

/** The steps as a picture: one below the other, each with a bar for when it was and how long it took. */
export function Steps({ steps, jobs }: { steps: readonly StepView[]; jobs: readonly ChildView[] }) {
  const now = useNow();
  const from = Math.min(...steps.map(({ startedAt }) => Date.parse(startedAt)));
  const until = Math.max(
    ...steps.map(({ finishedAt }) => (finishedAt === null ? now : Date.parse(finishedAt))),
    from + 1,
  );
  const share = (ms: number) => (ms / (until - from)) * 100;
  return (
    <section class="panel" aria-labelledby="steps">
      <h2 id="steps">Steps</h2>
      <p class="figures">
        {steps.filter(({ state }) => state === "completed").length} of {steps.length} begun are done, over{" "}
        {duration(until - from)}. What is done is not done again.
      </p>
      <ol class="steps">
        {steps.map((step) => {
          const start = Date.parse(step.startedAt);
          const end = step.finishedAt === null ? now : Date.parse(step.finishedAt);
          const left = Math.min(share(start - from), 99);
          const width = Math.max(Math.min(share(end - start), 100 - left), 1);
          return (
            <li key={step.position} class={`is-${step.state}`}>
              <Shape word={step.state} />
              <div class="step-body">
                <p class="step-line">
                  <strong class="name">{step.name}</strong>
                  <span class="hint">{kinds[step.kind]}</span>
                  <span class="step-time">
                    {step.state === "waiting" ? "waiting " : ""}
                    <Lasted from={step.startedAt} to={step.finishedAt} />
                  </span>
                </p>
                <div class="step-track" aria-hidden="true">
                  <span style={{ left: `${left}%`, width: `${width}%` }} />
                </div>
                <StepRest step={step} jobs={jobs} />
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function StepRest({ step, jobs }: { step: StepView; jobs: readonly ChildView[] }) {
  return (
    <>
      {step.event && (
        <p class="hint">
          event <code>{step.event.name}</code> with key <code>{step.event.key}</code>
        </p>
      )}
      {step.state === "waiting" && step.until !== null && (
        <p class="hint">
          {step.kind === "sleep" ? "wakes" : "gives up"} <Ago at={step.until} />
        </p>
      )}
      {step.children.length > 0 && (
        <ul class="step-children">
          {step.children.slice(0, 50).map((id) => {
            const child = jobs.find((one) => one.id === id);
            return (
              <li key={id}>
                {child ? <State word={child.state} /> : <span class="hint">no longer kept</span>}{" "}
                <JobLink id={id} /> {child && <span class="name">{child.name}</span>}
              </li>
            );
          })}
          {step.children.length > 50 && <li class="hint">and {step.children.length - 50} more</li>}
        </ul>
      )}
      {step.error && <ErrorBlock error={step.error} />}
    </>
  );
}

import type { AttemptView, JobView } from "../../../src/api.ts";
import { fullMoment } from "../format.ts";
import { Ago, Lasted } from "../parts/ago.tsx";
import { ErrorBlock } from "../parts/error-block.tsx";
import { Empty } from "../parts/notice.tsx";
import { Shape } from "../parts/state.tsx";

const words: Readonly<Record<AttemptView["outcome"], string>> = {
  running: "running",
  completed: "completed",
  dead: "failed for good",
  cancelled: "cancelled",
  failed: "failed, tried again",
  snoozed: "put off, not counted",
  lost: "lost: its worker fell silent",
  released: "handed back, not counted: its worker stopped",
};

/** Every attempt on a line of time, the latest first. */
export function Attempts({ attempts, job }: { attempts: readonly AttemptView[]; job: JobView }) {
  return (
    <section class="panel" aria-labelledby="attempts">
      <h2 id="attempts">Attempts</h2>
      {attempts.length === 0 ? (
        <Empty title={job.finishedAt === null ? "Not started yet." : "It was never started."} />
      ) : (
        <ol class="timeline">
          {[...attempts].reverse().map((attempt) => (
            <li key={`${attempt.attempt} ${attempt.startedAt}`} class={`is-${attempt.outcome}`}>
              <Shape word={attempt.outcome} />
              <div class="timeline-body">
                <p class="timeline-line">
                  <strong>Attempt {attempt.attempt}</strong>{" "}
                  <span class="outcome">{words[attempt.outcome]}</span>
                  <span class="hint">
                    {attempt.finishedAt === null ? "for" : "after"}{" "}
                    <Lasted from={attempt.startedAt} to={attempt.finishedAt} />
                  </span>
                </p>
                <p class="hint">
                  <span title={fullMoment(Date.parse(attempt.startedAt))}>
                    began <Ago at={attempt.startedAt} />
                  </span>{" "}
                  on <span class="name">{attempt.worker}</span>
                </p>
                {attempt.error && <ErrorBlock error={attempt.error} />}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

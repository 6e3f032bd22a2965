import type { ScheduleView } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { duration } from "../format.ts";
import { useLook } from "../look.ts";
import { Ago } from "../parts/ago.tsx";
import { Heading } from "../parts/heading.tsx";
import { jobPage, jobsPage, Link } from "../parts/link.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { propose } from "../parts/plan.ts";
import { State } from "../parts/state.tsx";
import { change, usePlace } from "../router.ts";
import { ScheduleValuesRow } from "./schedule-values.tsx";

export function Schedules() {
  const after = usePlace().query.get("after");
  const look = useLook("api/schedules", {
    query: after === null ? "" : `after=${encodeURIComponent(after)}`,
  });
  return (
    <>
      <Heading title="Schedules" lead="Each slot enqueues one job, whichever worker is there first." />
      <Seen look={look}>
        {({ schedules, next }) => (
          <>
            {schedules.length === 0 ? (
              <Empty title="There is no schedule.">
                <p>
                  Give a worker <code>schedules</code>, or call <code>admin.schedules.set</code>: it appears
                  here.
                </p>
              </Empty>
            ) : (
              <ul class="groups">
                {[...schedules].sort(worstFirst).map((schedule) => (
                  <ScheduleRow key={schedule.name} schedule={schedule} />
                ))}
              </ul>
            )}
            {(next !== null || after !== null) && (
              <nav class="pages" aria-label="Pages of the list">
                <button type="button" disabled={after === null} onClick={() => change({ after: null })}>
                  First
                </button>
                <button type="button" disabled={next === null} onClick={() => change({ after: next })}>
                  Next
                </button>
              </nav>
            )}
          </>
        )}
      </Seen>
    </>
  );
}

const worstFirst = (one: ScheduleView, other: ScheduleView) =>
  Number(other.problem !== null) - Number(one.problem !== null) || one.name.localeCompare(other.name);

function ScheduleRow({ schedule }: { schedule: ScheduleView }) {
  const { name, cron, timeZone, everyMs, job, lastSlot, nextSlot, pausedAt, problem, source, missed } =
    schedule;
  const { readOnly } = useBoard();
  return (
    <li class="panel group">
      <div class="panel-head">
        <h2>
          <span class="name">{name}</span> {pausedAt !== null && <State word="paused" />}
        </h2>
        {!readOnly && (
          <span class="buttons">
            {pausedAt === null ? (
              <button type="button" onClick={() => pause(schedule)}>
                Pause
              </button>
            ) : (
              <button type="button" class="is-main" onClick={() => resume(schedule)}>
                Resume
              </button>
            )}
            <button type="button" onClick={() => run(schedule)}>
              Run now
            </button>
          </span>
        )}
      </div>
      {problem !== null && (
        <p class="refusal" role="alert">
          <strong>It does not fire.</strong> {problem}
        </p>
      )}
      <dl class="facts is-inner">
        <div>
          <dt>When</dt>
          <dd>{cron !== null ? <code>{cron}</code> : `every ${duration(everyMs ?? 0)}`}</dd>
        </div>
        {timeZone !== null && (
          <div>
            <dt>Time zone</dt>
            <dd>{timeZone}</dd>
          </div>
        )}
        <div>
          <dt>Next</dt>
          <dd>{nextSlot === null ? pausedAt === null ? "none" : "when resumed" : <Ago at={nextSlot} />}</dd>
        </div>
        <div>
          <dt>Last</dt>
          <dd>{lastSlot === null ? "none yet" : <Ago at={lastSlot} />}</dd>
        </div>
        <div>
          <dt>Job</dt>
          <dd>
            <Link to={jobsPage({ name: job.name })}>
              <span class="name">{job.name}</span>
            </Link>{" "}
            <span class="hint">in {job.queue}</span>
          </dd>
        </div>
        <div>
          <dt>Missed slots</dt>
          <dd>{missed === "skip" ? "left out" : "run once"}</dd>
        </div>
        <div>
          <dt>Set by</dt>
          <dd>{source === "code" ? "a worker's code" : "a call at run time"}</dd>
        </div>
      </dl>
      <ScheduleValuesRow name={name} />
    </li>
  );
}

function pause({ name }: ScheduleView) {
  propose({
    action: "pause-schedule",
    body: { name },
    verb: "Pause",
    title: `Pause schedule ${name}?`,
    will: () => (
      <p>
        It fires no slot until it is resumed. The jobs that it has enqueued stay. Slots of the pause are not
        made up for.
      </p>
    ),
    did: () => `Schedule ${name} is paused.`,
  });
}

function resume({ name }: ScheduleView) {
  propose({
    action: "resume-schedule",
    body: { name },
    verb: "Resume",
    title: `Resume schedule ${name}?`,
    will: () => <p>It goes on with its first slot after now. Slots of the pause are not made up for.</p>,
    did: () => `Schedule ${name} goes on.`,
  });
}

function run({ name, job, pausedAt }: ScheduleView) {
  propose({
    action: "run-schedule",
    body: { name },
    verb: "Run now",
    title: `Run schedule ${name} now?`,
    will: () => (
      <p>
        This enqueues 1 job, {job.name} into {job.queue}, at once and beside its slots
        {pausedAt !== null ? "; the schedule stays paused" : ", which stay as they are"}.
      </p>
    ),
    did: ({ id }) => `Job ${id} is enqueued.`,
    page: ({ id }) => ({ to: jobPage(id), text: "Watch it" }),
  });
}

import { useState } from "preact/hooks";
import type { QueueView } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { useDepthOf } from "../depth-history.ts";
import { capped, duration } from "../format.ts";
import { useLook } from "../look.ts";
import { Ago } from "../parts/ago.tsx";
import { DepthBar } from "../parts/depth-bar.tsx";
import { Heading } from "../parts/heading.tsx";
import { jobsPage, Link } from "../parts/link.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { propose } from "../parts/plan.ts";
import { State } from "../parts/state.tsx";
import { LimitsDialog, settled } from "./queue-limits.tsx";

export function Queues() {
  const look = useLook("api/queues");
  const [edited, setEdited] = useState<QueueView>();
  useDepthOf(look);
  return (
    <>
      <Heading title="Queues" lead="A pause stops no job that runs: it only starts no further one." />
      <Seen look={look}>
        {({ queues }) =>
          queues.length === 0 ? (
            <Empty title="There is no queue yet.">
              <p>A queue appears with its first job, its first worker, or its first setting.</p>
            </Empty>
          ) : (
            <ul class="cards">
              {[...queues].sort(worstFirst).map((queue) => (
                <QueueCard
                  key={queue.name}
                  queue={queue}
                  most={Math.max(
                    ...queues.map(({ ready, running, scheduled }) => ready + running + scheduled),
                    1,
                  )}
                  onLimits={() => setEdited(queue)}
                />
              ))}
            </ul>
          )
        }
      </Seen>
      {edited && <LimitsDialog queue={edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}

/** What is dead or paused first, then what waits the longest. */
const worstFirst = (one: QueueView, other: QueueView) =>
  Number(other.dead > 0) - Number(one.dead > 0) ||
  Number(other.pausedAt !== null) - Number(one.pausedAt !== null) ||
  (other.oldestReadyMs ?? 0) - (one.oldestReadyMs ?? 0) ||
  one.name.localeCompare(other.name);

function QueueCard({ queue, most, onLimits }: { queue: QueueView; most: number; onLimits: () => void }) {
  const { name, pausedAt, ready, readyMore, running, scheduled, dead, oldestReadyMs } = queue;
  const { readOnly } = useBoard();
  const limits = settled(queue.settings);
  const figure = (state: string, value: number, more?: boolean) => (
    <div class={value === 0 ? "is-zero" : state === "dead" ? "is-bad" : ""}>
      <dt class={state === "dead" ? "" : `swatch is-${state}`}>{state}</dt>
      <dd>
        {value === 0 ? (
          0
        ) : (
          <Link to={jobsPage({ queue: name, state })} label={`${capped(value, more)} ${state} in ${name}`}>
            {capped(value, more)}
          </Link>
        )}
      </dd>
    </div>
  );
  return (
    <li class="panel card">
      <div class="card-head">
        <h2 class="name">{name}</h2>
        {pausedAt !== null && (
          <span>
            <State word="paused" /> <Ago at={pausedAt} />
          </span>
        )}
      </div>
      <DepthBar queue={queue} most={most} />
      <dl class="figures-row">
        {figure("ready", ready, readyMore)}
        {figure("running", running)}
        {figure("scheduled", scheduled)}
        {figure("dead", dead)}
      </dl>
      <p class="hint">
        {oldestReadyMs === null
          ? "No job is ready."
          : `The oldest ready job has waited ${duration(oldestReadyMs)}.`}
      </p>
      <p class="limits">{limits.length === 0 ? "No limits." : limits.join(" · ")}</p>
      {!readOnly && (
        <div class="buttons">
          {pausedAt === null ? (
            <button type="button" onClick={() => pause(queue)}>
              Pause
            </button>
          ) : (
            <button type="button" class="is-main" onClick={() => resume(queue)}>
              Resume
            </button>
          )}
          <button type="button" onClick={onLimits}>
            Limits
          </button>
          {ready + scheduled > 0 && (
            <button type="button" class="is-quiet" onClick={() => purge(name)}>
              Purge
            </button>
          )}
        </div>
      )}
    </li>
  );
}

function pause({ name, ready, readyMore, running }: QueueView) {
  propose({
    action: "pause-queue",
    body: { queue: name },
    verb: "Pause",
    title: `Pause queue ${name}?`,
    will: () => (
      <p>
        No further job of it is started, by any worker, until it is resumed:{" "}
        {ready === 1 ? "1 ready job waits" : `${capped(ready, readyMore)} ready jobs wait`}. What runs goes on
        to its end ({capped(running)}), and jobs can still be enqueued.
      </p>
    ),
    did: ({ changed }) => (changed ? `Queue ${name} is paused.` : `Queue ${name} was paused already.`),
  });
}

function resume({ name, ready, readyMore }: QueueView) {
  propose({
    action: "resume-queue",
    body: { queue: name },
    verb: "Resume",
    title: `Resume queue ${name}?`,
    will: () => (
      <p>
        Workers start its jobs again at once: {ready === 1 ? "1 is" : `${capped(ready, readyMore)} are`}{" "}
        ready.
      </p>
    ),
    did: ({ changed }) => (changed ? `Queue ${name} goes on.` : `Queue ${name} was not paused.`),
  });
}

function purge(name: string) {
  propose({
    action: "purge",
    body: { queue: name },
    verb: "Cancel",
    title: `Purge queue ${name}?`,
    counted: true,
    final: true,
    will: (jobs) => (
      <p>
        This cancels {jobs}, all that wait in it, ready or scheduled. What runs goes on. Cancelled jobs stay
        on record and can be retried.
      </p>
    ),
    did: ({ count, more }) =>
      `${count.toLocaleString("en")} waiting jobs of ${name} are cancelled.${more ? " There are more: purge again." : ""}`,
    page: () => ({ to: jobsPage({ queue: name, state: "cancelled" }), text: "See them" }),
  });
}

import type { JobRecord, StepRecord } from "@pillion/core/admin";
import { contentText, stateText } from "./job-shape.ts";
import { tableOf } from "./table.ts";
import { duration, line, shortened, styled, time } from "./text.ts";

const colours = { waiting: "yellow", completed: "green", failed: "red" } as const;

/** What a job's steps came to; nothing for a job without steps. */
export function stepsOf({ steps }: JobRecord, payload: true | undefined): string[] {
  if (steps.length === 0) return [];
  return [
    tableOf(steps, [
      { title: "STEP", cell: ({ position }) => String(position), right: true },
      { title: "NAME", cell: ({ name }) => line(name) },
      { title: "KIND", cell: ({ kind }) => kind },
      { title: "STATE", cell: ({ state }) => styled(colours[state], state) },
      { title: "STARTED", cell: ({ startedAt }) => time(startedAt) },
      {
        title: "TOOK",
        // Of work only the end is recorded.
        cell: ({ startedAt, finishedAt, kind }) =>
          finishedAt && kind !== "step" && kind !== "stepTx" ? duration(+finishedAt - +startedAt) : "-",
        right: true,
      },
      { title: "", cell: noteOn },
      ...(payload ? [{ title: "RESULT", cell: ({ result }: StepRecord) => contentText(result) }] : []),
    ]),
  ];
}

function noteOn({ event, until, state, children, error }: StepRecord): string {
  if (error) return shortened(line(`${error.name}: ${error.message}`), 60);
  return [
    event === null ? "" : line(`event ${event.name} of ${event.key}`),
    children.length > 0 ? `jobs ${shortened(children.join(", "), 60)}` : "",
    until && state === "waiting" ? `until ${time(until)}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** The jobs that it has run. */
export function childrenOf({ children }: JobRecord): string[] {
  if (children.length === 0) return [];
  return [
    tableOf(children, [
      { title: "CHILD", cell: ({ id }) => id, right: true },
      { title: "STATE", cell: ({ state }) => stateText(state) },
      { title: "NAME", cell: ({ name }) => line(name) },
    ]),
  ];
}

import type { AttemptView, JobState } from "../../../src/api.ts";

/** A shape besides the colour: not everybody sees colours, and a tired person reads shapes. */
const shapes: Readonly<Record<string, string>> = {
  scheduled: "M8 4v4l3 2",
  ready: "M5 8h6",
  running: "M6.5 5l4.5 3-4.5 3z",
  completed: "M5 8.3l2.2 2.2L11 6",
  dead: "M5.5 5.5l5 5m0-5l-5 5",
  failed: "M5.5 5.5l5 5m0-5l-5 5",
  cancelled: "M5 11l6-6",
  lost: "M8 4.5v4M8 11v.5",
  silent: "M8 4.5v4M8 11v.5",
  snoozed: "M8 4v4l3 2",
  waiting: "M8 4v4l3 2",
  released: "M10.5 5L6 8l4.5 3",
  stopped: "M6 6h4v4H6z",
  paused: "M6.3 5.5v5M9.7 5.5v5",
};

type Word = JobState | AttemptView["outcome"] | "waiting" | "silent" | "stopped" | "paused";

export function Shape({ word }: { word: string }) {
  return (
    <svg class={`shape is-${word}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <circle cx="8" cy="8" r="7" />
      <path d={shapes[word] ?? ""} />
    </svg>
  );
}

/** A state: the word, with its shape and colour. */
export function State({ word, text = word }: { word: Word; text?: string | undefined }) {
  return (
    <span class={`state is-${word}`}>
      <Shape word={word} />
      {text}
    </span>
  );
}

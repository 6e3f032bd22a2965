import { useEffect, useRef, useState } from "preact/hooks";
import type { QueueSettings, QueueView, Rate } from "../../../src/api.ts";
import { duration } from "../format.ts";
import { propose } from "../parts/plan.ts";

const rateText = ({ limit, perMs }: Rate) => `${limit.toLocaleString("en")} in ${duration(perMs)}`;

/** What is settled for a queue, in words; nothing for what is not. */
export function settled(settings: QueueSettings): string[] {
  const { concurrency, keyConcurrency, rate, keyRate, fifo, fifoOnDead } = settings;
  return [
    typeof concurrency === "number" && `at most ${concurrency} run at a time`,
    typeof keyConcurrency === "number" && `${keyConcurrency} of one key`,
    rate && `starts ${rateText(rate)}`,
    keyRate && `of one key ${rateText(keyRate)}`,
    fifo === true && `strict order by key${fifoOnDead === "block" ? ", a dead job blocks it" : ""}`,
    typeof settings.keepCompletedMs === "number" && `completed kept ${duration(settings.keepCompletedMs)}`,
    typeof settings.keepDeadMs === "number" && `dead kept ${duration(settings.keepDeadMs)}`,
    typeof settings.keepCancelledMs === "number" && `cancelled kept ${duration(settings.keepCancelledMs)}`,
  ].filter((text) => typeof text === "string");
}

type Draft = { concurrency: string; keyConcurrency: string; limit: string; perSeconds: string };

/** Limits as they are, to be changed. An empty field is no limit. */
export function LimitsDialog({ queue, onClose }: { queue: QueueView; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { settings, name } = queue;
  const [draft, setDraft] = useState<Draft>({
    concurrency: text(settings.concurrency),
    keyConcurrency: text(settings.keyConcurrency),
    limit: text(settings.rate?.limit ?? null),
    perSeconds: text(settings.rate ? settings.rate.perMs / 1_000 : null),
  });
  useEffect(() => dialog.current?.showModal(), []);

  function submit(event: Event) {
    event.preventDefault();
    onClose();
    proposeLimits(queue, toSettings(draft));
  }
  const field = (key: keyof Draft, label: string, step = "1", required = false) => (
    <label>
      {label}
      <input
        type="number"
        min={step}
        step={step}
        inputMode="numeric"
        placeholder="no limit"
        required={required}
        value={draft[key]}
        onInput={({ currentTarget: { value } }) => setDraft({ ...draft, [key]: value })}
      />
    </label>
  );
  const half = (draft.limit === "") !== (draft.perSeconds === "");
  return (
    <dialog ref={dialog} class="confirmation" aria-labelledby="limits-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="limits-title">Limits of {name}</h2>
        <p class="hint">Over all workers. An empty field is no limit.</p>
        <div class="fields">
          {field("concurrency", "Run at the same time")}
          {field("keyConcurrency", "Of one partition key")}
          {field("limit", "Starts", "1", half)}
          {field("perSeconds", "in so many seconds", "0.001", half)}
        </div>
        <div class="confirmation-buttons">
          <button type="button" onClick={onClose}>
            Not now
          </button>
          <button type="submit" class="is-main">
            Go on
          </button>
        </div>
      </form>
    </dialog>
  );
}

const text = (value: number | null | undefined) => String(value ?? "");
const numberOf = (value: string) => (value === "" ? null : Number(value));

function toSettings({ concurrency, keyConcurrency, limit, perSeconds }: Draft): Partial<QueueSettings> {
  return {
    concurrency: numberOf(concurrency),
    keyConcurrency: numberOf(keyConcurrency),
    rate: limit === "" ? null : { limit: Number(limit), perMs: Math.round(Number(perSeconds) * 1_000) },
  };
}

function proposeLimits({ name, settings, running }: QueueView, change: Partial<QueueSettings>) {
  const words = settled({ ...settings, ...change });
  propose({
    action: "set-queue",
    body: { queue: name, settings: change },
    verb: "Set limits",
    title: `Set the limits of ${name}?`,
    will: () => (
      <p>
        From now on: {words.length === 0 ? "no limits" : words.join(", ")}. It holds for all workers at once;
        the {running} that run go on.
      </p>
    ),
    did: () => `The limits of ${name} are set.`,
  });
}

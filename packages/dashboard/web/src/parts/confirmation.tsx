import { useEffect, useRef, useState } from "preact/hooks";
import type { Changed } from "../../../src/api.ts";
import type { Refusal } from "../answers.ts";
import { act } from "../ask.ts";
import { count, plural } from "../format.ts";
import { somethingChanged } from "../look.ts";
import { type Plan, proposed } from "./plan.ts";
import { say } from "./say.ts";
import { type ChosenTime, TimeField } from "./time-field.tsx";

/** The one place where the board changes something: it says what will happen, asks, and says what did. */
export function Confirmation() {
  const plan = proposed.use();
  return plan ? <Asked key={plan.title} plan={plan} /> : null;
}

function Asked({ plan }: { plan: Plan }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [jobs, setJobs] = useState<Changed>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [acting, setActing] = useState(false);
  const [time, setTime] = useState<ChosenTime>({ delayMs: 0 });

  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => (opener as HTMLElement | null)?.focus?.({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (!plan.counted) return;
    let left = false;
    void act(plan.action, { ...plan.body, ...(plan.time ? { delayMs: 0 } : {}), dryRun: true } as never).then(
      (reply) => {
        if (left) return;
        if ("answer" in reply) setJobs(reply.answer as Changed);
        else if ("refusal" in reply) setRefusal(reply.refusal);
      },
    );
    return () => {
      left = true;
    };
  }, [plan]);

  async function confirm(event: Event) {
    event.preventDefault();
    if (acting || !may) return;
    setActing(true);
    // The time that was chosen, in place of what the plan began with: a moment or a delay, never both.
    const chosen = plan.time ? { delayMs: undefined, ...time } : {};
    const reply = await act(plan.action, { ...plan.body, ...chosen } as never);
    setActing(false);
    somethingChanged();
    if ("answer" in reply) {
      say(plan.did(reply.answer as never), plan.page?.(reply.answer as never));
      plan.done?.();
      proposed.set(undefined);
    } else if ("refusal" in reply) setRefusal(reply.refusal);
  }

  const nothing = jobs?.count === 0 && !jobs.more;
  const counting = plan.counted && jobs === undefined && refusal === undefined;
  const may =
    !nothing && !counting && (!plan.time || time !== undefined) && !(plan.counted && jobs === undefined);
  const amount = jobs
    ? jobs.more
      ? `more than ${plural(jobs.count, "job")}`
      : plural(jobs.count, "job")
    : "";
  return (
    <dialog
      ref={dialog}
      class="confirmation"
      aria-labelledby="confirmation-title"
      onClose={() => proposed.set(undefined)}
    >
      <form method="dialog" onSubmit={confirm}>
        <h2 id="confirmation-title">{plan.title}</h2>
        <div class="confirmation-text" aria-live="polite">
          {counting ? (
            <p class="hint">Counting …</p>
          ) : nothing ? (
            <p>No job is in a state that allows it any more. There is nothing to do.</p>
          ) : (
            plan.will(amount)
          )}
        </div>
        {plan.time && !nothing && <TimeField onChange={setTime} />}
        {refusal && (
          <p class="refusal" role="alert">
            <strong>{refusal.title}.</strong> {refusal.detail}
          </p>
        )}
        <div class="confirmation-buttons">
          <button type="button" onClick={() => proposed.set(undefined)}>
            {nothing ? "Close" : "Not now"}
          </button>
          {!nothing && (
            <button type="submit" class={plan.final ? "is-final" : "is-main"} disabled={acting || !may}>
              {acting
                ? "Working …"
                : jobs && jobs.count > 1
                  ? `${plan.verb} ${count(jobs.count)} jobs`
                  : plan.verb}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

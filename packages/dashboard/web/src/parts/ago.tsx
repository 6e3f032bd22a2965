import { useNow } from "../clock.ts";
import { fullMoment, roughly } from "../format.ts";

/** `3 min ago`, `in 20 s`; the exact moment as its title. */
export function Ago({ at }: { at: string }) {
  const now = useNow();
  const time = Date.parse(at);
  const passed = now - time;
  const text =
    Math.abs(passed) < 1_000 ? "now" : passed > 0 ? `${roughly(passed)} ago` : `in ${roughly(-passed)}`;
  return (
    <time dateTime={at} title={fullMoment(time)} class="ago">
      {text}
    </time>
  );
}

/** How long it has gone on, or went on. */
export function Lasted({ from, to }: { from: string; to: string | null }) {
  const now = useNow();
  return <>{roughlyOrMs(to === null ? now - Date.parse(from) : Date.parse(to) - Date.parse(from))}</>;
}

const roughlyOrMs = (ms: number) =>
  ms < 10_000 && ms >= 1_000
    ? `${(ms / 1_000).toFixed(1)} s`
    : ms < 1_000
      ? `${Math.max(0, Math.round(ms))} ms`
      : roughly(ms);

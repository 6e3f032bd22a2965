import type { QueueView } from "../../../src/api.ts";
import { capped } from "../format.ts";

/** What a queue holds beside the fullest one: running, ready, scheduled. */
export function DepthBar({ queue, most }: { queue: QueueView; most: number }) {
  const { running, ready, readyMore, scheduled } = queue;
  const part = (value: number) => ({ width: `${value === 0 ? 0 : Math.max((value / most) * 100, 1.5)}%` });
  return (
    <div
      class="depth"
      role="img"
      aria-label={`${capped(running)} running, ${capped(ready, readyMore)} ready, ${capped(scheduled)} scheduled`}
    >
      <span class="is-running" style={part(running)} />
      <span class="is-ready" style={part(ready)} />
      <span class="is-scheduled" style={part(scheduled)} />
    </div>
  );
}

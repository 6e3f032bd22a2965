import { useState } from "preact/hooks";
import type { Time } from "../../../src/api.ts";

export type ChosenTime = Time | undefined;

const delays: readonly (readonly [string, number])[] = [
  ["At once", 0],
  ["In 5 minutes", 300_000],
  ["In 1 hour", 3_600_000],
  ["In 1 day", 86_400_000],
];

/** When a job shall run: some time from now, or at a moment by the clock of whoever looks. */
export function TimeField({ onChange }: { onChange: (time: ChosenTime) => void }) {
  const [exact, setExact] = useState(false);
  return (
    <div class="fields">
      <label>
        When
        <select
          onChange={({ currentTarget: { value } }) => {
            setExact(value === "exact");
            onChange(value === "exact" ? undefined : { delayMs: Number(value) });
          }}
        >
          {delays.map(([text, ms]) => (
            <option key={ms} value={ms}>
              {text}
            </option>
          ))}
          <option value="exact">At …</option>
        </select>
      </label>
      {exact && (
        <label>
          Your time
          <input
            type="datetime-local"
            step="1"
            required
            onInput={({ currentTarget: { value } }) => {
              const at = new Date(value);
              onChange(Number.isNaN(at.getTime()) ? undefined : { runAt: at.toISOString() });
            }}
          />
        </label>
      )}
    </div>
  );
}

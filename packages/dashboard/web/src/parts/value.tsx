import type { ValueView } from "../../../src/api.ts";
import { Scrolled } from "./scrolled.tsx";

/** A payload or a result that somebody has asked for, as text. */
export function Value({ name, value }: { name: string; value: ValueView }) {
  return (
    <div class="value">
      <h3>{name}</h3>
      {value.kind === "json" ? (
        <>
          <Scrolled label={name} text>
            {value.text}
          </Scrolled>
          {value.cut && <p class="hint">Cut: it is longer. All of it: npx pillion job --json.</p>}
        </>
      ) : (
        <p class="hint">
          {value.kind === "none"
            ? "None."
            : `Encrypted${value.keyId === null ? "" : ` with key ${value.keyId}`}: it is never shown here.`}
        </p>
      )}
    </div>
  );
}

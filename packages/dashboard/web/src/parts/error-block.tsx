import type { ErrorView } from "../../../src/api.ts";
import { Scrolled } from "./scrolled.tsx";

/** An error as it was stored, as text. The stack stays folded: its first line says what happened. */
export function ErrorBlock({ error, open = false }: { error: ErrorView; open?: boolean }) {
  return (
    <div class="error-block">
      <p class="error-line">
        <strong>{error.name}</strong>
        {error.code !== undefined && <code class="error-code">{error.code}</code>}
        <span class="error-message">{error.message}</span>
      </p>
      {error.stack && (
        <details open={open}>
          <summary>Stack trace</summary>
          <Scrolled label="Stack trace" text>
            {withoutFirst(error)}
          </Scrolled>
        </details>
      )}
    </div>
  );
}

/** The stack begins with the name and the message, which stand above it. */
function withoutFirst({ name, message, stack = "" }: ErrorView): string {
  const first = `${name}: ${message}`;
  return stack.startsWith(first) ? stack.slice(first.length).replace(/^\n/, "") : stack;
}

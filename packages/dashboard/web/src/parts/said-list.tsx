import { Link } from "./link.tsx";
import { dismiss, said } from "./say.ts";

/** What the actions have done, at the foot of the page. */
export function SaidList() {
  return (
    <div class="said" role="status" aria-live="polite">
      {said.use().map(({ key, text, page }) => (
        <div key={key} class="said-one">
          <span>
            {text} {page && <Link to={page.to}>{page.text}</Link>}
          </span>
          <button type="button" class="is-quiet" aria-label="Dismiss" onClick={() => dismiss(key)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}

import type { Attention } from "../../../src/api.ts";
import { Link } from "../parts/link.tsx";

/** What somebody should look at, the worst first; one quiet line where nothing is. */
export function AttentionList({ attention }: { attention: readonly Attention[] }) {
  if (attention.length === 0)
    return (
      <p class="all-well">
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M3.5 8.5l3 3 6-7" />
        </svg>
        Nothing needs you.
      </p>
    );
  return (
    <section aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul class="attention">
        {attention.map(({ code, severity, text, queue, worker, page }) => (
          <li key={`${code} ${queue} ${worker}`} class={`is-${severity}`}>
            <span class="severity">{severity}</span>
            <span class="attention-text">{text}</span>
            <Link to={`/${page.replace(/^\//, "")}`} label={`Look at: ${text}`}>
              Look
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

import type { ComponentChildren } from "preact";
import { addressOf, go } from "../router.ts";

interface LinkProps {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string | undefined;
  readonly current?: boolean | undefined;
  readonly label?: string | undefined;
}

/** To a page of the board. A click with a key held opens a tab, as everywhere. */
export function Link({ to, children, class: className, current, label }: LinkProps) {
  return (
    <a
      href={addressOf(to)}
      class={className}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}

export const jobPage = (id: string) => `/jobs/${encodeURIComponent(id)}`;

/** The list of jobs with these filters. */
export function jobsPage(filter: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.append(name, value);
  return `/jobs?${query}`;
}

export function JobLink({ id, label }: { id: string; label?: string | undefined }) {
  return (
    <Link to={jobPage(id)} class="id" label={label}>
      {id}
    </Link>
  );
}

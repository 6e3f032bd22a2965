import type { ComponentChildren } from "preact";
import { useBoard } from "./board.ts";
import { ConnectionLine } from "./parts/connection-line.tsx";
import { Link } from "./parts/link.tsx";
import { type Theme, useTheme } from "./theme.ts";

export const places = [
  ["/", "Overview", "o"],
  ["/queues", "Queues", "q"],
  ["/jobs", "Jobs", "j"],
  ["/dead", "Dead", "d"],
  ["/schedules", "Schedules", "s"],
  ["/workers", "Workers", "w"],
  ["/doctor", "Doctor", "h"],
] as const;

/** What stands around every page. */
export function Shell({ path, children }: { path: string; children: ComponentChildren }) {
  const board = useBoard();
  const [theme, setTheme] = useTheme();
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the page
      </button>
      <aside class="side">
        <div class="brand">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M9 25V8h8.5a5.5 5.5 0 0 1 0 11H13" />
          </svg>
          <span class="brand-text">
            <span class="brand-name">{board.title}</span>
            {board.schema !== "" && board.schema !== "pillion" && (
              <span class="brand-schema">{board.schema}</span>
            )}
          </span>
        </div>
        <nav aria-label="Pages">
          {places.map(([to, text]) => (
            <Link
              key={to}
              to={to}
              current={to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`)}
            >
              {text}
            </Link>
          ))}
        </nav>
        <footer class="side-foot">
          {board.viewer !== null && <span class="viewer">{board.viewer}</span>}
          {board.readOnly && board.version !== "" && <span class="read-only">Read only</span>}
          <label class="theme">
            <span class="theme-word">Theme</span>
            <select value={theme} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>
              <option value="system">System</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
        </footer>
      </aside>
      <div class="content">
        <ConnectionLine />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

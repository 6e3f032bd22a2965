import { useEffect, useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
const key = "pillion-board-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const painted = new EventTarget();

function kept(): Theme {
  try {
    const value = localStorage.getItem(key);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

function paint(theme: Theme): void {
  const used = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = used;
  painted.dispatchEvent(new Event("painted"));
}

/** Before anything is drawn, and when the system changes its mind. */
export function startTheme(): void {
  paint(kept());
  dark.addEventListener("change", () => paint(kept()));
}

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(kept);
  return [
    theme,
    (next) => {
      try {
        localStorage.setItem(key, next);
      } catch {
        // It holds until the page is left.
      }
      setTheme(next);
      paint(next);
    },
  ];
}

/** Changes whenever the colours do: what is drawn on a canvas is drawn again. */
export function usePainted(): number {
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const again = () => setTimes((before) => before + 1);
    painted.addEventListener("painted", again);
    return () => painted.removeEventListener("painted", again);
  }, []);
  return times;
}

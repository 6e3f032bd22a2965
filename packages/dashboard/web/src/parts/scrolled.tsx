import type { ComponentChildren } from "preact";

interface ScrolledProps {
  /** What is in it. */
  readonly label: string;
  readonly children: ComponentChildren;
  /** Text as it is, line by line. */
  readonly text?: boolean | undefined;
}

/** What may be wider or longer than its place: the keyboard scrolls it too. */
export function Scrolled({ label, children, text = false }: ScrolledProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it, only a mouse scrolls
    <section class={text ? "scroll is-text" : "scroll"} tabIndex={0} aria-label={label}>
      {text ? <pre>{children}</pre> : children}
    </section>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface HeadingProps {
  readonly title: string;
  /** What stands in the tab, where it is not the title. */
  readonly tab?: string | undefined;
  readonly lead?: ComponentChildren;
  readonly children?: ComponentChildren;
}

let first = true;

/** The head of a page. Who comes from another page of the board is taken here, as a screen reader needs it. */
export function Heading({ title, tab = title, lead, children }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${tab} · Pillion`;
  }, [tab]);
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
  }, []);
  return (
    <header class="heading">
      <div class="heading-text">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="heading-actions">{children}</div>}
    </header>
  );
}

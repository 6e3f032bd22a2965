import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { usePainted } from "../theme.ts";

/** The page's colours, by custom property, and its font. */
export interface Paint {
  readonly colour: (name: string) => string;
  readonly font: string;
}

/** Draws figures by uPlot, as wide as the element: anew where `shape` or the colours change, else only the figures. */
export function usePlot(
  element: RefObject<HTMLElement | null>,
  data: uPlot.AlignedData,
  shape: string,
  optionsOf: (paint: Paint) => Omit<uPlot.Options, "width">,
): void {
  const plot = useRef<uPlot>(undefined);
  const painted = usePainted();
  const latest = useRef({ data, optionsOf });
  latest.current = { data, optionsOf };
  useEffect(() => {
    const frame = element.current!;
    const style = getComputedStyle(frame);
    const options = latest.current.optionsOf({
      colour: (name) => style.getPropertyValue(name).trim(),
      font: `12px ${style.fontFamily}`,
    });
    const drawn = new uPlot({ ...options, width: frame.clientWidth }, latest.current.data, frame);
    plot.current = drawn;
    const resized = new ResizeObserver(() =>
      drawn.setSize({ width: frame.clientWidth, height: options.height }),
    );
    resized.observe(frame);
    return () => {
      resized.disconnect();
      drawn.destroy();
    };
  }, [element, shape, painted]);
  useEffect(() => plot.current?.setData(data));
}

/** A small curve beside a figure; what it shows is said in words for those who do not see it. */
export function Sparkline({
  values,
  label,
  kind,
}: {
  values: readonly number[];
  label: string;
  kind: string;
}) {
  const [width, height] = [96, 22];
  const most = Math.max(...values, 1);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const y = (value: number) => (height - 1 - (value / most) * (height - 3)).toFixed(1);
  const line = values
    .map((value, at) => `${at === 0 ? "M" : "L"}${(at * step).toFixed(1)} ${y(value)}`)
    .join("");
  return (
    <svg
      class={`sparkline is-${kind}`}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      <path class="area" d={`${line}L${width} ${height}L0 ${height}Z`} />
      <path class="line" d={line} />
    </svg>
  );
}

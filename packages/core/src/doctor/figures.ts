/** "1,234". */
export function count(value: string | number | null | undefined): string {
  return Number(value ?? 0).toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** "1 job", "2 jobs". */
export function many(value: string | number | null | undefined, noun: string): string {
  return `${count(value)} ${noun}${Number(value) === 1 ? "" : "s"}`;
}

/** "250 ms", "12 s", "3 min", "5 h", "2 days": in the unit that leaves the fewest digits. */
export function duration(ms: string | number | null | undefined): string {
  const value = Number(ms ?? 0);
  if (value < 1_000) return `${Math.round(value)} ms`;
  if (value < 120_000) return `${Math.round(value / 1_000)} s`;
  if (value < 7_200_000) return `${Math.round(value / 60_000)} min`;
  if (value < 172_800_000) return `${Math.round(value / 3_600_000)} h`;
  return `${count(value / 86_400_000)} days`;
}

/** "12 MB". */
export function bytes(value: string | number | null | undefined): string {
  const size = Number(value ?? 0);
  if (size < 1_048_576) return `${count(size / 1_024)} kB`;
  return size < 10 * 1_073_741_824 ? `${count(size / 1_048_576)} MB` : `${count(size / 1_073_741_824)} GB`;
}

/** A text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A text as a shell takes it. */
export function argument(text: string): string {
  return /[^\w.:/-]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : text;
}

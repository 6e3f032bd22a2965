/** An array of texts as Postgres reads it from one text. */
export function textArray(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** An array of numbers, or of numbers as text. */
export function numberArray(items: readonly (number | string)[]): string {
  return `{${items.join(",")}}`;
}

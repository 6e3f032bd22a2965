const most = 20;

/** `job 12 "mail.send" (attempt 2 of 8), job 13 … and 5 more` */
export function listed(things: readonly object[]): string {
  const more = things.length > most ? ` and ${things.length - most} more` : "";
  return `${things.slice(0, most).join(", ")}${more}`;
}

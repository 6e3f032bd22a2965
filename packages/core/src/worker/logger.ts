/** Where a worker says what fails; pino, winston and console fit. One line a call. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Warnings and errors to stderr, nothing else. */
export const stderrLogger: Logger = {
  info() {},
  warn: (message) => console.warn(`pillion: ${message}`),
  error: (message) => console.error(`pillion: ${message}`),
};

export const silentLogger: Logger = { info() {}, warn() {}, error() {} };

/** An error in one line. */
export function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error).split("\n", 1)[0]!;
  const message = error.message || ("code" in error ? String(error.code) : "");
  return `${error.name}: ${message.split("\n", 1)[0]}`;
}

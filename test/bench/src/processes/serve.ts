/** A process that does what its parent calls: each message names one of these, and its answer goes back. */
export type Methods = Record<string, (...args: never[]) => Promise<unknown>>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Message =
  | { readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly event: unknown };

export function serve(methods: Methods): void {
  process.on("message", async ({ id, method, args }: Call) => {
    try {
      process.send!({ id, value: await methods[method]!(...(args as never[])) });
    } catch (error) {
      process.send!({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  // The parent is gone: so is the bench.
  process.on("disconnect", () => process.exit());
}

export function emit(event: unknown): void {
  process.send!({ event });
}

/** Milliseconds on a clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

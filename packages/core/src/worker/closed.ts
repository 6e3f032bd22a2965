/**
 * What drivers and ORMs say where the application itself has closed what a statement was to run on: pg's pool, Kysely,
 * TypeORM, postgres.js. A database that is away says otherwise, and may come back.
 */
const sayings = [
  /^Cannot use a pool after calling end on the pool/,
  /^driver has already been destroyed/,
  /^Driver not Connected/,
  /\bCONNECTION_ENDED\b/,
];

/** Whether an error says that no later statement will run either; in every wrapping that the supported ORMs give it. */
export function saysClosed(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    const { message } = current;
    if (sayings.some((saying) => saying.test(message))) return true;
    current = current.cause;
  }
  return false;
}

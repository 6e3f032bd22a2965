/** What a job is given along, besides its own headers. */
export type HeaderSource = () => Readonly<Record<string, unknown>> | undefined;

const key = Symbol.for("pillion.headers");

/** One list for every copy of this module: an application may load it as CommonJS and as a module of the language. */
function sources(): Set<HeaderSource> {
  const shared = globalThis as { [key: symbol]: Set<HeaderSource> | undefined };
  shared[key] ??= new Set();
  return shared[key];
}

/**
 * From now on every job that this process enqueues carries these headers: the tenant, the request, a trace. `source` is
 * asked at each enqueue, so it can read an AsyncLocalStorage; undefined adds nothing. A job's own headers win over it,
 * and a source that was added later over an earlier one. Its error fails the enqueue.
 *
 * @returns a function that takes it back
 */
export function provideHeaders(source: HeaderSource): () => void {
  const own: HeaderSource = () => source();
  sources().add(own);
  return () => void sources().delete(own);
}

/** A job's headers, with those that are provided; undefined for none. */
export function withProvided(
  headers: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const all = sources();
  if (all.size === 0) return headers;
  const provided = Object.assign({}, ...[...all].map((source) => source()), headers);
  return Object.keys(provided).length === 0 ? headers : provided;
}

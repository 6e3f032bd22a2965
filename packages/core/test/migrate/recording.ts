import pg from "pg";
import { workerLabel } from "../../src/worker/worker-label.ts";

/** One statement as it was sent, and what came back. */
interface Sent {
  readonly on: number;
  readonly text: string;
  readonly values: readonly (string | null)[];
  readonly rows: readonly object[];
}

/** What a release sends, from which it can be sent again to another schema. */
export interface Recording {
  /** Each text once. */
  readonly statements: readonly string[];
  /** In the order in which they were answered. */
  readonly sent: readonly Step[];
}

/**
 * On which connection, which of the statements, with which values, and how many rows were answered. What an earlier answer
 * had said stands in a value as `⟨step path number⟩`: where in it, and which of the numbers there.
 */
type Step = readonly [on: number, statement: number, values: readonly (string | null)[], rows: number];

/** Records all that `fn` sends through a pool. */
export async function record(url: string, fn: (pool: pg.Pool) => Promise<void>): Promise<Recording> {
  const sent: Sent[] = [];
  let connections = 0;
  class Recorded extends pg.Client {
    readonly #on = connections++;
    // @ts-expect-error A text or an object, with values or without, and with a callback where it is the pool that asks.
    override async query(given: string | pg.QueryConfig, ...rest: unknown[]) {
      const config = typeof given === "string" ? { text: given } : given;
      const values = (rest.find(Array.isArray) ?? config.values ?? []) as string[];
      const callback = rest.find((each) => typeof each === "function") as
        | ((...answer: unknown[]) => void)
        | undefined;
      const answer = super.query({ ...config, values });
      const noted = answer.then((result) => {
        sent.push({ on: this.#on, text: config.text, values, rows: result.rows });
        return result;
      });
      if (!callback) return noted;
      noted.then((result) => callback(null, result), callback);
    }
  }
  const pool = new pg.Pool({ connectionString: url, max: 5, Client: Recorded as never });
  await fn(pool);
  await pool.end();
  return compact(sent);
}

/**
 * Sends the same again, each value as it is there, and answers which statements were answered otherwise.
 *
 * @param meanwhile what happens once a worker has begun, at a moment at which no transaction is open
 */
export async function replay(
  url: string,
  { statements, sent }: Recording,
  meanwhile?: () => Promise<unknown>,
): Promise<string[]> {
  let upcoming = meanwhile;
  const open = new Set<number>();
  const clients: pg.Client[] = [];
  const answers: Map<string, string>[] = [];
  const others: string[] = [];
  try {
    for (const [step, [on, statement, values, rows]] of sent.entries()) {
      while (clients.length <= on) {
        const client = new pg.Client({ connectionString: url });
        clients.push(client);
        await client.connect();
      }
      const text = statements[statement]!;
      if (step > sent.length * 0.6 && open.size === 0) {
        await upcoming?.();
        upcoming = undefined;
      }
      if (text.startsWith("begin")) open.add(on);
      if (text === "commit") open.delete(on);
      const result = await clients[on]!.query(
        text,
        values.map((value) => filled(value, answers)),
      ).catch((error: Error) => {
        throw new Error(`Step ${step} fails: ${error.message}\n${text}`, { cause: error });
      });
      answers.push(tokensOf(result.rows));
      if (result.rows.length !== rows)
        others.push(`Step ${step} was answered ${rows} rows, and now ${result.rows.length}:\n${text}`);
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  return others;
}

/** Ids, tokens and times, which are others each time; smaller numbers are what they are. */
const token = /[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.+]+|\d+(?:\.\d+)?/g;

/** Every token of an answer, by where it is. */
function tokensOf(answer: unknown, path = "", found = new Map<string, string>()): Map<string, string> {
  if (typeof answer === "string" && /^[[{]/.test(answer)) tokensOf(parsed(answer), path, found);
  else if (typeof answer === "object" && answer !== null)
    for (const [key, value] of Object.entries(answer)) tokensOf(value, `${path}/${key}`, found);
  else
    for (const [index, [each]] of [...String(answer).matchAll(token)].entries())
      found.set(`${path} ${index}`, each);
  return found;
}

/** JSON, or what only looks like it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(1);
  }
}

function compact(sent: readonly Sent[]): Recording {
  const statements = [...new Set(sent.map(({ text }) => text))];
  const places = new Map<string, string>();
  const steps = sent.map(({ on, text, values, rows }, step): Step => {
    const referring = values.map(
      (value) =>
        value?.replace(workerLabel(), "host 1").replaceAll(token, (each) => places.get(each) ?? each) ?? null,
    );
    for (const [place, each] of tokensOf(rows)) if (each.length > 2) places.set(each, `⟨${step} ${place}⟩`);
    return [on, statements.indexOf(text), referring, rows.length];
  });
  return { statements, sent: steps };
}

function filled(value: string | null, answers: readonly Map<string, string>[]): string | null {
  const filling = value?.replaceAll(/⟨(\d+) ([^⟩]*)⟩/g, (_, step, place) => {
    const found = answers[Number(step)]!.get(place);
    if (found === undefined) throw new Error(`The answer to step ${step} has nothing at ${place}.`);
    return found;
  });
  return filling ?? null;
}

import { openTown, type Town } from "./town.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** What a scene is given. */
export interface Stage {
  readonly town: Town;
  /**
   * Takes in a worker process from its start on, so that whoever ends the demo early can stop it. One that ends by itself
   * ends the demo.
   */
  hire<Worker extends WorkerProcess<never>>(start: () => Worker): Worker;
  /** Waits for what a worker is to bring about: rejects when the demo is ended before, and after a minute. */
  until<Value>(what: string, happens: Promise<Value>): Promise<Value>;
  /** Once it is aborted, nothing further begins, and the scene rejects with its reason. */
  readonly signal: AbortSignal;
}

/** One story that the demo tells. */
export interface Scene {
  /** The tables of its shops, as SQL. */
  readonly tables: string;
  /** Tells the story; answers whether all of it holds. */
  play(stage: Stage): Promise<boolean>;
}

/** Plays a scene on a database that it leaves as it was, also when it is ended by Ctrl-C. Sets the exit code. */
export async function perform({ tables, play }: Scene): Promise<void> {
  const [starting, where] = process.env.DATABASE_URL
    ? ["on the database of DATABASE_URL", "the database of DATABASE_URL"]
    : ["an embedded Postgres", "an embedded Postgres"];
  console.log(`Starting ${starting} …`);
  const opening = openTown(tables);
  const workers = new Set<WorkerProcess<never>>();
  const interruption = new AbortController();
  const { signal } = interruption;
  let fail: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {});
  let playing: Promise<boolean> | undefined;
  let closing: Promise<void> | undefined;
  const close = () => {
    interruption.abort();
    // Workers first: the scene may be waiting for them. Schemas last: whoever is still at work would hold locks in them.
    closing ??= Promise.all([...workers].map((worker) => worker.stop())).then(async () => {
      await playing?.catch(() => {});
      await (await opening.catch(() => undefined))?.close();
    });
    return closing;
  };
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.on(name, async () => {
      await close().catch((error) => console.error(error));
      process.exit(code);
    });

  const town = await opening.catch((error: Error) => {
    console.error(`The demo cannot use ${where}: ${error.message || error}. Nothing was placed.`);
    process.exit(1);
  });
  const hire: Stage["hire"] = (start) => {
    signal.throwIfAborted();
    const worker = start();
    workers.add(worker);
    worker.failure.catch(fail);
    return worker;
  };
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  interrupted.catch(() => {});
  const until: Stage["until"] = async (what, happens) => {
    let expire: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      expire = setTimeout(() => reject(new Error(`${what}: it has not happened within a minute.`)), 60_000);
    });
    return Promise.race([happens, interrupted, late]).finally(() => clearTimeout(expire));
  };
  try {
    playing = play({ town, hire, until, signal });
    if (!(await Promise.race([playing, failure]))) process.exitCode = 1;
  } catch (error) {
    if (closing === undefined) throw error;
  } finally {
    await close();
  }
}

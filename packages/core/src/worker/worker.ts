import type { Database } from "../database.ts";
import { defaults } from "../defaults.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { answerMs, sessionBeside, toDatabase } from "./connect.ts";
import type { WorkerEvents } from "./hooks.ts";
import { Link } from "./link.ts";
import { Run } from "./run.ts";
import { type RunOnceOptions, type RunOnceResult, toBounds } from "./run-once.ts";
import { sessionOf, toSettings, type WorkerOptions } from "./settings.ts";

/** How a worker stops. */
export interface StopOptions {
  /** How long running handlers may go on, in milliseconds, before their jobs are handed back; default 10,000. */
  readonly graceMs?: number | undefined;
}

/** Takes jobs from the database and runs their handlers. Made by `createWorker`. */
export interface Worker {
  /**
   * Checks the connection and the schema, then takes jobs in the background. It installs no signal handlers and
   * never ends the process. Idempotent.
   *
   * @throws SchemaOutdatedError, InvalidConfigurationError, or the driver's error when the database cannot be reached
   */
  start(): Promise<void>;
  /** For a process of its own: starts, stops at SIGTERM or SIGINT, and resolves when it has stopped. */
  run(options?: StopOptions): Promise<void>;
  /**
   * Takes no more jobs, waits for running handlers, then aborts their signals and hands their jobs back: another
   * worker starts them at once, and no attempt is counted. Idempotent; resolves when all is written. A database that
   * does not take it is not waited for longer than as long again (at least a second); then the log names what was not
   * written, and other workers run those jobs again once the lease is over. Where the application has closed
   * `database` before, that is written on the worker's own connection.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * For a cron route: runs what is ready and returns; nothing stays open.
   *
   * @throws InvalidConfigurationError for a bound below one, before anything is done; and what `start` throws
   */
  runOnce(options?: RunOnceOptions): Promise<RunOnceResult>;
  /**
   * Calls `listener` for each such event of this worker: for metrics and alerts. What it throws is logged, and changes
   * nothing. For what must not be missed there is the job's record: a process that dies tells nobody.
   *
   * @returns a function that ends it
   * @throws InvalidRequestError for an event that there is not
   */
  on<Name extends keyof WorkerEvents>(event: Name, listener: (event: WorkerEvents[Name]) => void): () => void;
}

/**
 * A worker for the given handlers. Does no I/O until it is started.
 *
 * @throws InvalidConfigurationError for options that cannot work
 */
export function createWorker(options: WorkerOptions): Worker {
  const settings = toSettings(options);
  let starting: Promise<Run> | undefined;
  let stopping: Promise<void> | undefined;

  async function open(
    listening: boolean,
    onLink?: (link: Link) => void,
  ): Promise<{ run: Run; database: Database }> {
    const database = toDatabase(options.database, answerMs);
    const link = new Link(database, settings.schema);
    onLink?.(link);
    const run = new Run(link, {
      ...settings,
      openSession: listening ? ownSession(database) : undefined,
    });
    try {
      await link.open();
      await run.open();
    } catch (error) {
      await database.close?.();
      throw error;
    }
    return { run, database };
  }

  function ownSession(database: Database) {
    // A beat that is not answered can be sent again before the lease is over.
    const waitMs = Math.max(settings.leaseMs / 2, 5_000);
    const beside = options.listen === undefined ? sessionBeside(database, waitMs) : undefined;
    if (options.listen === undefined && beside === undefined)
      settings.logger.warn(
        `\`database\` is a ${database.name}, which does not tell how to open a connection beside it: this worker beats and polls through it. Where handlers hold all its connections for longer than the lease, their jobs go to others. Give \`listen\` a URL or a pg Pool; false says that you know.`,
      );
    return sessionOf(options.listen, beside, waitMs);
  }

  let opening: Link | undefined;
  let opened: { run: Run; database: Database } | undefined;
  const worker: Worker = {
    async start() {
      if (stopping) throw new InvalidConfigurationError("This worker has been stopped; create another one.");
      starting ??= open(true, (link) => {
        opening = link;
      }).then((result) => {
        opened = result;
        result.run.begin();
        return result.run;
      });
      try {
        await starting;
      } catch (error) {
        starting = undefined;
        throw error;
      }
    },
    async run(stopOptions) {
      let signalled = (): void => {};
      const signal = new Promise<void>((resolve) => {
        signalled = resolve;
      });
      const signals = ["SIGTERM", "SIGINT"] as const;
      for (const name of signals) process.once(name, signalled);
      try {
        await worker.start();
        await Promise.race([signal, stopped]);
        await worker.stop(stopOptions);
      } finally {
        for (const name of signals) process.removeListener(name, signalled);
      }
    },
    stop({ graceMs = defaults.graceMs } = {}) {
      stopping ??= (async () => {
        // A start that waits for its database is not waited for longer than handlers are.
        const late = setTimeout(
          () => opened || opening?.abandon(new Error("the worker was stopped before it had started")),
          graceMs,
        );
        await starting?.catch(() => {});
        clearTimeout(late);
        if (opened) {
          await opened.run.close(graceMs);
          await opened.database.close?.(opening?.abandoned);
        }
        sayStopped();
      })();
      return stopping;
    },
    on: (event, listener) => settings.hooks.on(event, listener),
    async runOnce(bounds) {
      const { maxMs, maxJobs } = toBounds(bounds);
      // The last twentieth is for the way back.
      const until = performance.now() + 0.95 * maxMs;
      const { run, database } = await open(false);
      try {
        return await run.drain(until - performance.now(), maxJobs);
      } finally {
        await run.close(0, until);
        await database.close?.();
      }
    },
  };
  let sayStopped = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    sayStopped = resolve;
  });
  return worker;
}

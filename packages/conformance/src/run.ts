import { setTimeout as pause } from "node:timers/promises";
import { type Context, makeContext } from "./context.ts";
import { type Harness, harnessName } from "./harness.ts";
import { makePlace, type Place } from "./place.ts";
import { makeSeat, type Seat } from "./seat.ts";
import { type Capability, can, type Suite } from "./suite.ts";
import { suites as allSuites } from "./suites/index.ts";

/** Where the suite runs, and what it runs beside. */
export interface RunOptions {
  /** A URL of the database. The run makes two schemas of its own there, and drops them in `close`. */
  readonly url: string;
  /**
   * A URL of the same database, as a role that may log in and do nothing: the harness's clients and the workers connect with
   * it, and the run lets that role do what an application may (`pillion.allow`). Default `url`.
   */
  readonly applicationUrl?: string;
  /** How long a case waits for a state that never comes; three times that ends any case. Default 60 s: of a busy machine. */
  readonly patienceMs?: number;
  /**
   * Arguments for the Node process that some cases start and kill, which imports the harness's module:
   * `["--import", "tsx"]` for one in TypeScript. Default: those of this process.
   */
  readonly childArguments?: readonly string[];
  /** Harnesses of other ORMs, whose handles this adapter must refuse. */
  readonly others?: readonly Harness[];
}

/** A case that any test runner can register. */
export interface NamedCase {
  readonly suite: string;
  /** A sentence that says what holds. */
  readonly name: string;
  /** Rejects with an AssertionError that says what does not hold. Cases may run in any order, and together. */
  run(): Promise<void>;
}

/** What could not be asked of this ORM, by the cases that would have asked. */
export interface Missing {
  readonly capability: Capability;
  readonly cases: readonly string[];
}

/** What came of a run: a row of the table of what passes where. */
export interface Report {
  readonly harness: string;
  readonly orm: string;
  readonly version: string;
  readonly driver: string;
  /** Which kind of transaction, for an ORM that has several. */
  readonly form?: string;
  /** As the server says it: "18.4". */
  readonly postgres: string;
  readonly traits: Harness["traits"];
  readonly passed: number;
  readonly failed: readonly string[];
  readonly missing: readonly Missing[];
  /** What the server could not be asked to do. */
  readonly notes: readonly string[];
}

/** The suite for one harness, ready to run. */
export interface Run {
  readonly cases: readonly NamedCase[];
  /** What has come of the cases so far. */
  report(): Promise<Report>;
  /** Closes what the run opened and drops its schemas. */
  close(): Promise<void>;
}

/** One adapter's cases, for any test runner. Nothing is opened before the first case runs. */
export function conformanceRun(harness: Harness, options: RunOptions): Run {
  const { patienceMs = 60_000, childArguments = process.execArgv, others = [] } = options;
  const notes = new Set<string>();
  const passed = new Set<string>();
  const failed = new Set<string>();
  const missing = new Map<Capability, string[]>();
  let place: Promise<Place> | undefined;
  const idle: Seat[] = [];
  const spoilt: Seat[] = [];
  const leftBehind: Promise<void>[] = [];
  let turns: Promise<unknown> = Promise.resolve();

  async function runCase(run: (context: Context) => Promise<void>): Promise<void> {
    place ??= makePlace(options.url, patienceMs, options.applicationUrl);
    const at = await place;
    const seat = idle.pop() ?? makeSeat(harness, at);
    const { context, end } = makeContext({
      harness,
      place: at,
      patienceMs,
      childArguments,
      connection: seat.connection,
      wired: seat.wired,
      note: (text) => void notes.add(text),
    });
    try {
      await context.within("the case", run(context), 3 * patienceMs);
      await end();
      idle.push(seat);
    } catch (error) {
      // What the case left behind may never end by itself, and shall not fail the next one.
      leftBehind.push(end().catch(() => {}));
      spoilt.push(seat);
      throw error;
    }
  }

  function takeTurn(turn: () => Promise<void>): Promise<void> {
    const taken = turns.then(turn);
    turns = taken.catch(() => {});
    return taken;
  }

  const cases: NamedCase[] = [];
  for (const suite of allSuites(others) as readonly Suite[])
    for (const { name, needs, serializable, run } of suite.cases(harness)) {
      const title = `${suite.name}: ${name}`;
      if (needs !== undefined && !can(harness, needs))
        missing.set(needs, [...(missing.get(needs) ?? []), title]);
      else
        cases.push({
          suite: suite.name,
          name,
          async run() {
            try {
              await (serializable ? takeTurn(() => runCase(run)) : runCase(run));
              passed.add(title);
            } catch (error) {
              failed.add(title);
              throw error;
            }
          },
        });
    }

  return {
    cases,
    async report() {
      place ??= makePlace(options.url, patienceMs, options.applicationUrl);
      const [server] = await (await place).reader.query("show server_version");
      const { orm, version, driver, form, traits } = harness;
      return {
        harness: harnessName(harness),
        orm,
        version,
        driver,
        ...(form === undefined ? {} : { form }),
        postgres: server!.server_version!.split(" ")[0]!,
        traits,
        passed: passed.size,
        failed: [...failed],
        missing: [...missing].map(([capability, titles]) => ({ capability, cases: titles })),
        notes: [...notes],
      };
    },
    async close() {
      const at = await place;
      if (spoilt.length > 0) await at?.evict();
      const ends = [...leftBehind, ...spoilt.map((seat) => seat.close())];
      await Promise.race([Promise.allSettled(ends), pause(1_000)]);
      for (const seat of idle) await seat.close();
      await at?.close();
    },
  };
}

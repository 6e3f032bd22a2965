import { defaults } from "../../defaults.ts";
import { InvalidStepError } from "../../errors.ts";
import type { ActiveJob } from "../../handler/handler.ts";
import { readTick } from "../../postgres/tick.ts";
import { Attempt } from "../attempt/attempt.ts";
import { ClaimsUnderWay } from "../claims-under-way.ts";
import { Claims, mostAtOnce } from "../crew/claims.ts";
import { isSuspect, mustBeMarked } from "../crew/suspect.ts";
import { Housekeeping } from "../housekeeping.ts";
import { Leases } from "../leases.ts";
import type { Link } from "../link.ts";
import { listed } from "../listed.ts";
import { oneLine } from "../logger.ts";
import { sayRescued } from "../rescued.ts";
import { Scheduler } from "../scheduler.ts";
import { Signal } from "../signal.ts";
import { workerLabel } from "../worker-label.ts";
import type { ClaimerSettings } from "./claimer-settings.ts";
import { Endings } from "./endings.ts";
import { Settlements } from "./settlements.ts";

const rowsAtOnce = 1_000;
/** So often it looks, while it stops, whether its database is closed. */
const watchMs = 250;

/** Nothing runs here of itself: whoever claims a job runs it. */
const run = () => {};

const refuseSteps = (attempt: Attempt): never => {
  throw new InvalidStepError(
    `${attempt}: steps are for handlers of createWorker; a claimer's jobs have none.`,
    attempt.name,
  );
};

/**
 * The jobs that one claimer holds, from their claim until what became of them is written. It is a worker to all others:
 * it has a row, a lease, and does what is due for all when it claims. It does nothing unasked.
 */
export class Custody {
  readonly settlements: Settlements;
  readonly #attempts = new Set<Attempt>();
  readonly #endings: Endings;
  readonly #claims: Claims;
  readonly #leases: Leases;
  readonly #housekeeping: Housekeeping;
  /** Claimed, and not handed out yet; suspects are handed out while nothing else is held. */
  readonly #waiting: Attempt[] = [];
  readonly #suspects: Attempt[] = [];
  #alone: { readonly attempt: Attempt; readonly since: number } | undefined;
  #worker!: string;
  #scheduleMs: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #renewing: Promise<void> | undefined;

  constructor(
    private readonly link: Link,
    private readonly settings: ClaimerSettings,
  ) {
    const { jobTypes, queues, leaseMs, logger } = settings;
    const handlers = new Map(
      jobTypes.map((jobType) => [`${jobType.name}@${jobType.version}`, { jobType, run }] as const),
    );
    this.#endings = new Endings(link, logger, () => this.#claims.take(0));
    this.settlements = new Settlements(this.#endings, logger, (attempt) => this.#attempts.delete(attempt));
    const underWay = new ClaimsUnderWay();
    this.#claims = new Claims(queues, this.#endings.completions, {
      link,
      underWay,
      stepping: new Set(),
      worker: () => this.#worker,
      handlers,
      // Whatever is claimed starts at once.
      free: () => mostAtOnce,
      receive: (jobs, claim) => {
        const now = performance.now();
        for (const job of jobs)
          this.#receive(
            new Attempt(job, claim!, handlers.get(`${job.name}@${job.version}`)!, now, refuseSteps),
          );
      },
      wake: new Signal(),
    });
    this.#leases = new Leases(link, leaseMs, this.#attempts, underWay, logger);
    this.#housekeeping = new Housekeeping(link, logger, new Scheduler(link, [], logger, () => {}));
  }

  /** Makes it known to all workers. */
  async register(): Promise<void> {
    const { queues, jobTypes, leaseMs } = this.settings;
    const rows = await this.link.run(this.link.engine.register, {
      label: workerLabel(),
      queues,
      names: [...new Set(jobTypes.map(({ name }) => name))],
      // Its own loop decides.
      concurrency: 0,
      leaseMs,
    });
    this.#worker = rows[0]!.id!;
  }

  /** Renews the lease and claims; answers jobs whose payloads are valid, none where none is ready. */
  claim(limit: number): Promise<readonly ActiveJob[]> {
    return this.#inTurn(async () => {
      for (;;) {
        await this.#beat();
        await this.#housekeeping.round(this.#scheduleMs);
        // What is claimed has the whole lease before it, however long that took.
        if (!this.#leases.fresh) await this.#beat();
        const attempts = await this.#next(limit);
        if (!attempts) return [];
        const jobs = await Promise.all(attempts.map((attempt) => this.#handOut(attempt)));
        const valid = jobs.filter((job) => job !== undefined);
        if (valid.length > 0) return valid;
      }
    });
  }

  /** Renews the lease of all that is held. Calls that wait for their turn share one statement. */
  renew(): Promise<void> {
    this.#renewing ??= this.#inTurn(() => {
      this.#renewing = undefined;
      return this.#beat();
    });
    return this.#renewing;
  }

  /** Hands back what is held, and signs off. Never throws, and waits for its database no longer than it may. */
  async close(): Promise<void> {
    const { link } = this;
    const { logger, leaseMs } = this.settings;
    let unwritten: readonly Attempt[] | undefined;
    const giveUp = () => {
      unwritten ??= [...this.#attempts];
      this.#endings.giveUp();
      link.abandon(new Error("this claimer has stopped, and waits for no answer any more"));
    };
    const late = setTimeout(giveUp, defaults.graceMs);
    const watch = setInterval(() => (link.closed ? giveUp() : link.probe()), watchMs);
    await this.#turn.catch(() => {});
    for (const attempt of [...this.#waiting.splice(0), ...this.#suspects.splice(0)]) this.#handBack(attempt);
    for (const attempt of this.#attempts) attempt.stop();
    await this.settlements.allWritten();
    try {
      await link.run(link.engine.depart, { worker: this.#worker });
    } catch (error) {
      logger.warn(`could not sign off; the lease of this claimer runs out by itself: ${oneLine(error)}`);
    }
    clearTimeout(late);
    clearInterval(watch);
    if (unwritten && unwritten.length > 0)
      logger.warn(
        `this claimer has stopped before the database had taken what became of ${listed(unwritten)}: within ${leaseMs} ms that passes on to others, which run it again.${link.closed ? ` Its ${link.database.name} was closed before it: stop the claimer first.` : ""}`,
      );
  }

  /** Claims and beats take turns, so that a beat never sees a claim whose answer is still on its way. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act, act);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #beat(): Promise<void> {
    const { link, settings } = this;
    const sentAt = performance.now();
    if (this.#attempts.size > 0) this.#leases.sayIfSilent(sentAt);
    const answer = readTick(
      await link.run(link.engine.tick, {
        worker: this.#worker,
        since: this.#leases.since,
        asleep: [],
        // Whether a job is ready the claim will tell.
        lanes: settings.queues.map((queue) => ({ queue, priority: 0, bound: Number.MAX_SAFE_INTEGER })),
        types: settings.jobTypes.map(({ name, version }) => ({ name, version })),
        most: rowsAtOnce,
      }),
    );
    this.#scheduleMs = answer.scheduleMs;
    for (const failed of answer.failed) settings.logger.warn(`could not ${failed}; trying again`);
    sayRescued(settings.logger, answer);
    this.#claims.expectKeys(answer.special);
    await this.#leases.renewed(answer, sentAt);
    // Somebody has removed its row; what it held is lost.
    if (!answer.known) await this.register();
  }

  /** What is to be handed out next; undefined where nothing is. */
  async #next(limit: number): Promise<readonly Attempt[] | undefined> {
    const { leaseMs } = this.settings;
    const now = performance.now();
    const alone = this.#alone;
    if (alone && this.#attempts.has(alone.attempt) && now - alone.since < leaseMs) return undefined;
    if (this.#waiting.length === 0 && this.#suspects.length === 0)
      try {
        await this.#claims.take(limit, true);
      } finally {
        this.#endings.flush();
      }
    if (this.#waiting.length > 0) return this.#mark(this.#waiting.splice(0, limit));
    const suspect = this.#suspects[0];
    if (!suspect) return undefined;
    // It waits until the others have ended and that is written, but not for ever: they may be long.
    if (this.#attempts.size > this.#suspects.length && now - suspect.claimedAt < leaseMs) return undefined;
    this.#suspects.shift();
    this.#alone = { attempt: suspect, since: performance.now() };
    return this.#mark([suspect]);
  }

  /** Where a crash must count, the start is written first; what cannot be marked goes back. */
  async #mark(attempts: readonly Attempt[]): Promise<readonly Attempt[]> {
    const marked = attempts.filter(mustBeMarked);
    if (marked.length === 0) return attempts;
    const { link } = this;
    let done: ReadonlySet<string> = new Set();
    try {
      await link.unpackSoon(marked);
      const rows = await link.run(link.engine.markStarted, {
        settlements: marked.map(({ id, claim }) => ({ id, claim })),
      });
      done = new Set(rows.filter(({ status }) => status === "done").map(({ id }) => id!));
    } catch (error) {
      for (const attempt of attempts) this.#handBack(attempt);
      throw error;
    }
    for (const attempt of marked) if (!done.has(attempt.id)) this.#handBack(attempt);
    return attempts.filter((attempt) => !marked.includes(attempt) || done.has(attempt.id));
  }

  /** Undefined where it may not start: it is too late, it has no attempt left, or its payload is not valid. */
  async #handOut(attempt: Attempt): Promise<ActiveJob | undefined> {
    attempt.begin((attempt, outcome) => this.settlements.end(attempt, outcome));
    if (!attempt.handling) return undefined;
    try {
      const payload = await attempt.validate();
      if (!attempt.handling) return undefined;
      const job = attempt.activeJob(payload);
      this.settlements.add(job, attempt);
      return job;
    } catch (error) {
      attempt.fail(error);
      return undefined;
    }
  }

  #receive(attempt: Attempt): void {
    this.#attempts.add(attempt);
    (isSuspect(attempt) ? this.#suspects : this.#waiting).push(attempt);
  }

  #handBack(attempt: Attempt): void {
    attempt.handling = false;
    this.settlements.end(attempt, { verb: "release" });
  }
}

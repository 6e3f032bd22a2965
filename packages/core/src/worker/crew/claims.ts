import { setTimeout as pause } from "node:timers/promises";
import type { Handler } from "../../handler/handler.ts";
import { type ClaimByKeyAnswer, readClaimByKey, type Slots } from "../../postgres/claim-by-key.ts";
import type { ClaimedJob } from "../../postgres/claimed-job.ts";
import { type ClaimedType, readStep, type StepAnswer, type StepInput } from "../../postgres/step.ts";
import type { StatementOf } from "../../statement.ts";
import type { Completions, Pending } from "../attempt/completions.ts";
import type { ClaimsUnderWay } from "../claims-under-way.ts";
import type { Link } from "../link.ts";
import type { Signal } from "../signal.ts";
import { KnownLines } from "./known-lines.ts";
import { Lanes, type Look } from "./lanes.ts";

/** At most so many jobs are completed, and claimed, at once. */
export const mostAtOnce = 500;

/** Who claims, and for whom. */
export interface Claimant {
  readonly link: Link;
  readonly underWay: ClaimsUnderWay;
  readonly worker: () => string;
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Those whose jobs have steps: they keep rows of their own. None ever leaves it. */
  readonly stepping: ReadonlySet<Handler>;
  /** How many jobs could start at once; what is claimed beyond it is claimed ahead. */
  readonly free: () => number;
  readonly receive: (jobs: readonly ClaimedJob[], claim: string | null) => void;
  /** Told when a claim may bring jobs that none of the last brought. */
  readonly wake: Signal;
}

/** So soon a queue from which another worker claims is asked again, and so often where nothing may be left. */
const busyMs = 5;
const mostWaits = 400;
/** For so long a queue is asked for jobs with keys after it last had any: the next may come with others in one commit. */
const keysStayMs = 60_000;

/** What claims of a queue in which limits or keys count go on from. */
interface Special {
  /** When a beat has last told of it. */
  toldAt: number;
  /** The key at which the last claim stopped. */
  after: string;
  slots: Slots | undefined;
  /** Where its jobs without a key stand, as far as its own claims read them. */
  readonly lanes: Lanes;
  readonly lines: KnownLines;
}

/**
 * The claims of some queues. One round trip completes what has ended and takes more; queues with limits, and jobs
 * with partition keys, want a claim of their own.
 */
export class Claims {
  readonly lanes: Lanes;
  readonly #special = new Map<string, Special>();
  #typesKnown: { readonly stepping: number; readonly types: readonly ClaimedType[] } | undefined;
  #specialFirst = false;
  #asked = 0;
  /** A claim that was sent ahead of whoever takes its answer. */
  #begun: Promise<number> | undefined;
  #stopped = false;

  constructor(
    private readonly queues: readonly string[],
    private readonly completions: Completions,
    private readonly claimant: Claimant,
  ) {
    this.lanes = new Lanes(queues);
  }

  /** Every claim asks for them, and they change only where a handler turns out to have steps. */
  get #types(): readonly ClaimedType[] {
    const { handlers, stepping } = this.claimant;
    if (this.#typesKnown?.stepping === stepping.size) return this.#typesKnown.types;
    const types = [...handlers.values()].map((handler) => ({
      name: handler.jobType.name,
      version: handler.jobType.version,
      apart: handler.effects !== undefined || stepping.has(handler),
    }));
    this.#typesKnown = { stepping: stepping.size, types };
    return types;
  }

  /** How many jobs claims that are under way may still bring. */
  get asked(): number {
    return this.#asked;
  }

  /** Which queues want a claim of their own, as a tick has told. */
  expectKeys(queues: readonly string[], now = performance.now()): void {
    for (const [queue, { toldAt }] of this.#special)
      if (!queues.includes(queue) && now - toldAt > keysStayMs) this.#special.delete(queue);
    for (const queue of queues) {
      if (!this.queues.includes(queue)) continue;
      const known = this.#special.get(queue);
      if (known) known.toldAt = now;
      else
        this.#special.set(queue, {
          toldAt: now,
          after: "",
          slots: undefined,
          lanes: new Lanes([queue]),
          lines: new KnownLines(this.claimant.wake),
        });
    }
  }

  /** Whether each queue is asked for jobs with keys. */
  get expectsKeys(): boolean {
    return this.#special.size === this.queues.length;
  }

  /** A claim of one job that lies ready while a worker sleeps, for it to send at once: the next `take` takes in its answer. */
  prepare(): () => void {
    const { link, worker } = this.claimant;
    const look = this.lanes.lookOfWoken();
    const input = this.#inputOf(look.lanes, 1);
    const statement = link.engine.claim(input);
    return () => {
      // It may be known by another id since.
      if (this.#begun || input.worker !== worker()) return;
      this.#begun = this.#send(() => statement, input, this.lanes.sent(look, performance.now()));
      // Whoever takes it in hears of it.
      this.#begun.catch(() => {});
    };
  }

  /** Whether that is sent, and nobody has taken in its answer. */
  get begun(): boolean {
    return this.#begun !== undefined;
  }

  /** Resolves when it is answered. */
  async begunAnswered(): Promise<void> {
    await this.#begun?.catch(() => {});
  }

  /** A worker that is woken has time to look from the left end of its lanes. */
  woken(now: number): void {
    this.lanes.woken(now);
    for (const { lanes } of this.#special.values()) lanes.wokenForSlots();
  }

  /** Makes no further claims for keys. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Completes what has ended and claims up to `limit` jobs; answers how many.
   *
   * @param leavesNothing whether none is to mean that none is ready, also where to find that out takes long
   */
  async take(limit: number, leavesNothing = false): Promise<number> {
    const special = [...this.#special];
    const begun = limit > 0 ? this.#begun : undefined;
    if (begun) this.#begun = undefined;
    // Queues with limits and those without take turns to be asked first.
    this.#specialFirst = !this.#specialFirst && !begun;
    let taken = 0;
    if (this.#specialFirst)
      for (const entry of special) taken += await this.#takeByKey(...entry, limit - taken, leavesNothing);
    taken += await (begun ?? this.#step(limit - taken));
    if (!this.#specialFirst)
      for (const entry of special) taken += await this.#takeByKey(...entry, limit - taken, leavesNothing);
    return taken;
  }

  async #step(limit: number): Promise<number> {
    const { engine } = this.claimant.link;
    const completions = this.completions.take(mostAtOnce);
    if (completions.length === 0 && limit === 0) return 0;
    const look = this.lanes.look(performance.now());
    const input = this.#inputOf(look.lanes, limit, completions);
    return this.#send(completions.length > 0 ? engine.step : engine.claim, input, look, completions);
  }

  #inputOf(lanes: Look["lanes"], most: number, completions: readonly Pending[] = []): StepInput {
    const { worker, free } = this.claimant;
    return {
      worker: worker(),
      completions: completions.map(({ completion }) => completion),
      lanes,
      types: this.#types,
      most,
      free: Math.max(0, free()),
    };
  }

  async #send(
    statement: StatementOf<StepInput>,
    input: StepInput,
    look: Look,
    completions: readonly Pending[] = [],
  ): Promise<number> {
    const { link, underWay, receive } = this.claimant;
    const { most } = input;
    let answer: StepAnswer | undefined;
    this.#asked += most;
    const ended = underWay.begin();
    try {
      answer = readStep(await link.run(statement, input), input);
      this.completions.settle(completions, answer);
      receive(answer.jobs, answer.claim);
      return answer.jobs.length;
    } finally {
      ended();
      this.#asked -= most;
      if (!answer) this.completions.putBack(completions);
      this.lanes.learn(look, most > 0 ? answer : undefined, most, performance.now());
    }
  }

  /** Claims from a queue with limits or keys until a claim brings jobs or all keys have been looked at. */
  async #takeByKey(queue: string, special: Special, limit: number, leavesNothing: boolean): Promise<number> {
    const { link, underWay, worker, free, receive } = this.claimant;
    let looked = 0;
    let waited = 0;
    while (limit > 0 && !this.#stopped) {
      const most = Math.min(limit, free());
      if (most <= 0) return 0;
      const look = special.lanes.look(performance.now());
      const { after, slots } = special;
      const keyLook = special.lines.look(look.sentAt);
      const input = {
        worker: worker(),
        queue,
        after,
        types: this.#types,
        most,
        slots,
        lanes: look.lanes,
        lines: keyLook.lines,
      };
      let answer: ClaimByKeyAnswer | undefined;
      const ended = underWay.begin();
      try {
        answer = readClaimByKey(await link.run(link.engine.claimByKey, input), input);
        receive(answer.jobs, answer.claim);
      } finally {
        ended();
        special.lanes.learnAll(look, answer, performance.now());
        special.lines.learn(keyLook, look.sentAt, answer, performance.now());
      }
      special.after = answer.after;
      special.slots = answer.slots ?? special.slots;
      // Whoever has had jobs stands behind the others.
      if (answer.jobs.length > 0 && this.#special.delete(queue)) this.#special.set(queue, special);
      if (answer.waitMs != null && answer.waitMs < 60_000) this.#wakeIn(Math.max(answer.waitMs, 1));
      if (answer.jobs.length > 0) return answer.jobs.length;
      if (answer.busy) {
        // Whoever holds it is done in a moment.
        if (leavesNothing && ++waited <= mostWaits) {
          await pause(busyMs);
          continue;
        }
        this.#wakeIn(busyMs);
        return 0;
      }
      if (keyLook.lines && answer.lines && leavesNothing) {
        special.lines.forget();
        looked = 0;
        continue;
      }
      if (answer.whole || (answer.end && looked > 0)) return 0;
      looked++;
    }
    return 0;
  }

  #wakeIn(ms: number): void {
    setTimeout(() => this.claimant.wake.notify(), ms).unref();
  }
}

import { JobCancelledError } from "../errors.ts";
import type { TickAnswer } from "../postgres/tick.ts";
import type { Attempt } from "./attempt/attempt.ts";
import type { ClaimsUnderWay } from "./claims-under-way.ts";
import type { Link } from "./link.ts";
import { listed } from "./listed.ts";
import type { Logger } from "./logger.ts";

/**
 * Compares what the database says this worker holds with what it runs: aborts what another has taken or somebody has
 * cancelled, and hands back what it never heard of.
 */
export class Leases {
  #renewedAt = performance.now();
  /** What the last beat knew of and this worker did not: since when, and how many claims had begun by then. */
  #unheard: ReadonlyMap<string, { readonly at: number; readonly begun: number }> = new Map();
  /** No claim below it can still be held: the lowest that was held, or the last that was seen, one beat ago. */
  #since = 0;
  #next = 0;
  #lastClaim = 0;

  constructor(
    private readonly link: Link,
    private readonly leaseMs: number,
    private readonly attempts: ReadonlySet<Attempt>,
    private readonly underWay: ClaimsUnderWay,
    private readonly logger: Logger,
  ) {}

  /** False once the lease may have run out: renew it before taking more jobs. */
  get current(): boolean {
    return performance.now() - this.#renewedAt < this.leaseMs;
  }

  /** True while almost all of the lease is left. */
  get fresh(): boolean {
    return performance.now() - this.#renewedAt < this.leaseMs / 10;
  }

  get since(): string {
    return String(this.#since);
  }

  /** To be called before each beat. */
  sayIfSilent(now: number): void {
    const silentMs = now - this.#renewedAt;
    if (silentMs <= this.leaseMs) return;
    const running = [...this.attempts].filter(({ startedAt }) => startedAt !== undefined);
    this.logger.warn(
      `this worker was silent for ${Math.round(silentMs)} ms, longer than its lease of ${this.leaseMs} ms: a handler kept the event loop busy, the process was stopped, or the database was away. Running: ${listed(running) || "nothing"}`,
    );
  }

  async renewed({ held: heldKeys, cancelled }: TickAnswer, sentAt: number): Promise<void> {
    this.#renewedAt = sentAt;
    const held = new Set(heldKeys);
    const heard = new Map<string, Attempt>();
    let lowest = Number.POSITIVE_INFINITY;
    for (const attempt of this.attempts) {
      const key = `${attempt.id}:${attempt.claim}`;
      heard.set(key, attempt);
      lowest = Math.min(lowest, Number(attempt.claim));
      this.#lastClaim = Math.max(this.#lastClaim, Number(attempt.claim));
      if (attempt.handling && !attempt.completing && attempt.claimedAt < sentAt && !held.has(key)) {
        this.logger.warn(`${attempt} lost its lease to another worker; what it does now changes nothing`);
        attempt.loseLease();
      }
    }
    this.#since = this.#next;
    this.#next = Math.min(lowest, this.#lastClaim);
    for (const key of cancelled) {
      const attempt = heard.get(key);
      attempt?.abort(new JobCancelledError(`${attempt} was cancelled while it ran.`, attempt.name));
    }
    await this.#handBackUnheard(heldKeys.filter((key) => !heard.has(key)));
  }

  /**
   * A claim that was committed, but whose answer was lost with its connection, leaves jobs that nobody runs while this
   * worker lives. One that is still under way looks the same, so they are believed at the second beat, and only when
   * every claim has ended that was under way at the first; one that is silent for a whole lease never will.
   */
  async #handBackUnheard(unheard: readonly string[]): Promise<void> {
    const before = this.#unheard;
    const now = performance.now();
    const { begun } = this.underWay;
    this.#unheard = new Map(unheard.map((key) => [key, before.get(key) ?? { at: now, begun }]));
    if (unheard.length > 0)
      this.#next = Math.min(this.#next, ...unheard.map((key) => Number(key.split(":")[1])));
    const settlements = unheard
      .filter((key) => {
        const seen = before.get(key);
        return seen && (!this.underWay.anyOf(seen.begun) || now - seen.at > this.leaseMs);
      })
      .map((key) => key.split(":") as [string, string])
      .map(([id, claim]) => ({ id, claim }));
    if (settlements.length === 0) return;
    await this.link.run(this.link.engine.unpack, {
      claims: settlements.map(({ claim }) => claim),
      ids: settlements.map(({ id }) => id),
    });
    await this.link.run(this.link.engine.release, { settlements });
    const jobs = settlements.length === 1 ? "1 job that was" : `${settlements.length} jobs that were`;
    this.logger.warn(`handed back ${jobs} claimed by a statement whose answer never came`);
  }
}

import type { Attempt } from "./attempt.ts";
import type { Link } from "./link.ts";
import { type Logger, oneLine } from "./logger.ts";
import { Signal } from "./signal.ts";

/**
 * Renews the lease of all the worker's jobs with one small statement, aborts those that another worker has taken
 * meanwhile, and hands back those that the database says it holds although it never heard of them.
 */
export class Heartbeat {
  readonly #stop = new Signal();
  #stopped = false;
  #running: Promise<void> | undefined;
  #renewedAt = performance.now();
  #unheard: ReadonlySet<string> = new Set();

  constructor(
    private readonly link: Link,
    private readonly worker: string,
    private readonly leaseMs: number,
    private readonly attempts: ReadonlySet<Attempt>,
    private readonly logger: Logger,
  ) {}

  /** False once the lease may have run out: renew it before taking more jobs. */
  get leased(): boolean {
    return performance.now() - this.#renewedAt < this.leaseMs;
  }

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop.notify();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const everyMs = Math.max(this.leaseMs / 3, 10);
    let waitMs = everyMs;
    while (!this.#stopped) {
      await this.#stop.wait(waitMs);
      if (this.#stopped) return;
      waitMs = (await this.beat()) ? everyMs : Math.min(everyMs, 1_000);
    }
  }

  /** True where the lease was renewed. */
  async beat(): Promise<boolean> {
    const sentAt = performance.now();
    const silentMs = sentAt - this.#renewedAt;
    if (silentMs > this.leaseMs)
      this.logger.warn(
        `this worker was silent for ${Math.round(silentMs)} ms, longer than its lease of ${this.leaseMs} ms: a handler kept the event loop busy, the process was stopped, or the database was away. Running: ${[...this.attempts].join(", ") || "nothing"}`,
      );
    try {
      const row = (await this.link.run(this.link.engine.heartbeat, { worker: this.worker }))[0];
      if (!row) throw new Error(`worker ${this.worker} is no longer in the database`);
      this.#renewedAt = sentAt;
      const held = new Set<string>(JSON.parse(row.held!));
      for (const attempt of this.attempts)
        if (attempt.handling && attempt.claimedAt < sentAt && !held.has(`${attempt.id}:${attempt.claim}`)) {
          this.logger.warn(`${attempt} lost its lease to another worker; what it does now changes nothing`);
          attempt.loseLease();
        }
      await this.#handBackUnheard(held);
      return true;
    } catch (error) {
      this.logger.warn(`could not renew the lease, trying again: ${oneLine(error)}`);
      return false;
    }
  }

  /**
   * A claim that was committed, but whose answer was lost with its connection, leaves jobs that nobody runs while this
   * worker lives. One that is still under way looks the same, so they are believed at the second beat only.
   */
  async #handBackUnheard(held: ReadonlySet<string>): Promise<void> {
    const heard = new Set([...this.attempts].map(({ id, claim }) => `${id}:${claim}`));
    const before = this.#unheard;
    this.#unheard = new Set([...held].filter((key) => !heard.has(key)));
    const settlements = [...this.#unheard]
      .filter((key) => before.has(key))
      .map((key) => key.split(":") as [string, string])
      .map(([id, claim]) => ({ id, claim }));
    if (settlements.length === 0) return;
    await this.link.run(this.link.engine.release, { settlements });
    const jobs = settlements.length === 1 ? "1 job that was" : `${settlements.length} jobs that were`;
    this.logger.warn(`handed back ${jobs} claimed by a statement whose answer never came`);
  }
}

import { limits } from "../../defaults.ts";
import type { ClaimByKeyAnswer } from "../../postgres/claim-by-key.ts";
import type { ClaimedJob } from "../../postgres/claimed-job.ts";
import type { Lane, StepAnswer } from "../../postgres/step.ts";

/** Rows of transactions that stay open for longer than this are found by a sweep instead. */
const slackMs = 500;
const sweepEveryMs = 1_000;
/** Or so often, where a worker is woken. */
const wokenEveryMs = 100;
const mostFronts = 50;
/** A look that takes longer has stepped over much that is not for this worker. */
const slowMs = 50;
/** A sweep that takes no longer holds up nobody who is woken. */
const quickMs = 5;
/** A sweep may take this share of the time. */
const sweepShare = 1 / 20;

interface Front {
  readonly position: number;
  readonly at: number;
  /** Whatever can still appear before this front belongs to a transaction older than this one; unknown at first. */
  xid: bigint | undefined;
}

interface LaneState {
  readonly queue: string;
  readonly priority: number;
  bound: number;
  readonly fronts: Front[];
}

/** One claim's view of the lanes. */
export interface Look {
  readonly lanes: readonly Lane[];
  /** Whether it begins at the left end of each lane. */
  readonly sweep: boolean;
  readonly sentAt: number;
}

/**
 * From where each lane is read. A claim that began at the left end of a lane would step over every job that has
 * run but that vacuum may not remove yet; so it begins where nothing can appear any more.
 *
 * - A position is drawn after its transaction's id. The front of a claim is the last position that had been drawn when
 *   it ended: what lies before it and is not seen yet belongs to a transaction older than any that begins after the
 *   claim. Once all those have ended, one more claim sees all there is before the front, and the next may begin there.
 * - A transaction that stays open would hold the bound for as long: it is not waited for longer than half a second.
 *   Its jobs, and those that were locked when they were passed, are found by a sweep from the left end.
 * - Where the first look at a lane was slow, the next begins at once where that one's front was when it began: what was
 *   still to be committed then is left to the sweep as well.
 */
export class Lanes {
  readonly #lanes: LaneState[] = [];
  #sweepAt = 0;
  #sweepMs = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(readonly queues: readonly string[]) {
    for (let priority = limits.maxPriority; priority >= limits.minPriority; priority--)
      for (const queue of queues) this.#lanes.push({ queue, priority, bound: 0, fronts: [] });
  }

  /** What is to be read next: from the bounds on, or now and then from the left end. */
  look(now: number): Look {
    this.#rotate();
    const sweep = now >= this.#sweepAt && this.#hasBounds;
    if (sweep) this.#sweepAt = Number.POSITIVE_INFINITY;
    return { lanes: this.#read(sweep), sweep, sentAt: now };
  }

  /** A worker that is woken has time: it looks from the left end, unless that takes long. */
  woken(now: number): void {
    if (this.#sweepsQuickly) this.sweepNext(now);
  }

  /** What a worker that has been woken reads first. It is not sent yet. */
  lookOfWoken(): Omit<Look, "sentAt"> {
    const sweep = this.#sweepsQuickly && this.#hasBounds;
    return { lanes: this.#read(sweep), sweep };
  }

  /** That look, now that it is sent. */
  sent(look: Omit<Look, "sentAt">, now: number): Look {
    if (look.sweep) this.#sweepAt = Number.POSITIVE_INFINITY;
    return { ...look, sentAt: now };
  }

  /** The same where free slots wake workers too: not that often. */
  wokenForSlots(): void {
    this.sweepNext(this.#sweptAt + Math.max(wokenEveryMs, this.#sweepMs / sweepShare));
  }

  /** The next look is to be from the left end, since there is something. */
  sweepNext(now: number): void {
    this.#sweepAt = Math.min(this.#sweepAt, now);
  }

  /** Takes in what the claim found, which was to take `most` jobs; nothing, where it failed. */
  learn(look: Look, answer: StepAnswer | undefined, most: number, now: number): void {
    this.#swept(look, now);
    if (!answer) return;
    const highest = this.#highest(answer.jobs);
    // In the order in which they were read: the last one that gave jobs to a full claim is where it stopped.
    const read = look.lanes.map((lane) => this.#stateOf(lane));
    const full = answer.jobs.length >= most;
    const stop = full ? read.findLastIndex((lane) => highest.has(lane)) : read.length;
    read.forEach((lane, index) => {
      if (answer.closed.includes(lane.queue)) return;
      const reached = index === stop ? (highest.get(lane) ?? 0) : Number.POSITIVE_INFINITY;
      this.#learn(lane, look, answer, index <= stop ? reached : undefined, now);
    });
  }

  /** The same of a claim that reads all lanes and tells in which of them there may be more. */
  learnAll(look: Look, answer: ClaimByKeyAnswer | undefined, now: number): void {
    this.#swept(look, now);
    if (!answer?.lanes) return;
    const { lanes } = answer;
    const highest = this.#highest(answer.jobs.filter(({ more }) => more?.partitionKey == null));
    for (const lane of look.lanes.map((lane) => this.#stateOf(lane))) {
      const unread = lanes.unread.includes(lane.priority);
      this.#learn(lane, look, lanes, unread ? (highest.get(lane) ?? 0) : Number.POSITIVE_INFINITY, now);
    }
  }

  get #hasBounds(): boolean {
    return this.#lanes.some(({ bound }) => bound > 0);
  }

  get #sweepsQuickly(): boolean {
    return this.#sweepMs < quickMs;
  }

  /** The lanes from their bounds on, or from the left end. */
  #read(sweep: boolean): Lane[] {
    return this.#lanes.map(({ queue, priority, bound }) => ({ queue, priority, bound: sweep ? 0 : bound }));
  }

  #swept({ sweep, sentAt }: Look, now: number): void {
    if (!sweep) return;
    this.#sweptAt = now;
    this.#sweepMs = now - sentAt;
    this.#sweepAt = now + Math.max(sweepEveryMs, this.#sweepMs / sweepShare);
  }

  #stateOf({ queue, priority }: Pick<Lane, "queue" | "priority">): LaneState {
    return this.#lanes.find((lane) => lane.priority === priority && lane.queue === queue)!;
  }

  /** The last position that was taken from each lane. */
  #highest(jobs: readonly ClaimedJob[]): ReadonlyMap<LaneState, number> {
    const highest = new Map<LaneState, number>();
    for (const job of jobs) {
      const lane = this.#stateOf(job);
      highest.set(lane, Math.max(job.position, highest.get(lane) ?? 0));
    }
    return highest;
  }

  /** @param reached up to where all that there was has been taken; undefined where the lane was not read */
  #learn(
    lane: LaneState,
    { sentAt }: Look,
    { oldest, xid, begun, front }: Pick<StepAnswer, "oldest" | "xid" | "begun" | "front">,
    reached: number | undefined,
    now: number,
  ): void {
    if (reached !== undefined) {
      raise(lane, oldest === null ? 0n : BigInt(oldest), now, reached);
      if (lane.bound === 0 && now - sentAt > slowMs) {
        lane.bound = Math.min(begun, reached);
        this.#sweepAt = Math.max(this.#sweepAt, now + (now - sentAt) / sweepShare);
      }
    }
    if (xid !== null) for (const front of lane.fronts) if (front.at < sentAt) front.xid ??= BigInt(xid);
    const last = lane.fronts.at(-1);
    if (front <= (last?.position ?? lane.bound)) return;
    // A lane that is never read to its end keeps no longer list than it can use.
    if (lane.fronts.length >= mostFronts) lane.fronts.pop();
    lane.fronts.push({ position: front, at: now, xid: undefined });
  }

  /** Among queues of equal priority another one comes first each time, so that none waits for the others for ever. */
  #rotate(): void {
    if (this.queues.length < 2) return;
    const size = this.queues.length;
    for (let start = 0; start < this.#lanes.length; start += size)
      this.#lanes.splice(start + size - 1, 0, ...this.#lanes.splice(start, 1));
  }
}

/** Raises the bound to the last front that nothing can appear before any more, and not beyond `most`. */
function raise(lane: LaneState, seen: bigint, now: number, most: number): void {
  while (lane.fronts.length > 0) {
    const { position, at, xid } = lane.fronts[0]!;
    if ((xid === undefined || xid > seen) && now - at < slackMs) return;
    lane.bound = Math.max(lane.bound, Math.min(position, most));
    if (position > most) return;
    lane.fronts.shift();
  }
}

import { defaults } from "../defaults.ts";
import { InvalidRequestError } from "../errors.ts";
import { type EmitOptions, type Emitted, type Event, eventNamed, isEvent, toEmission } from "../job/event.ts";
import { show } from "../show.ts";
import type { Link } from "../worker/link.ts";

/** An event that has happened. Times are by the database's clock. */
export interface EventRecord {
  readonly name: string;
  readonly key: string;
  readonly payload: unknown;
  readonly emittedAt: Date;
  /** Until when it is kept for those who begin to wait for it. */
  readonly keptUntil: Date;
}

/** The verbs on events, committed by themselves. */
export interface EventVerbs {
  /**
   * Says outside any transaction that an event has happened: it is committed when the promise resolves. The first emit
   * wins. Its role is an `enqueuer`.
   *
   * @returns `emitted: false` where it had happened before: its payload stays
   * @throws InvalidJobError, InvalidRequestError before any SQL is sent
   */
  emit<Payload>(
    event: Event<Payload>,
    payload: NoInfer<Payload>,
    options?: EmitOptions | undefined,
  ): Promise<Emitted>;
  /**
   * The same by name and key, for tools that have no event types: what the payload must be is checked by whoever waits.
   * `key`: as a text, what its type would be called with.
   */
  emit(name: string, key: string, payload: unknown, options?: EmitOptions | undefined): Promise<Emitted>;
  /** What was emitted, and when; undefined where it has not happened, or is kept no longer. @throws InvalidRequestError */
  event(event: Event): Promise<EventRecord | undefined>;
  event(name: string, key: string): Promise<EventRecord | undefined>;
}

export function eventVerbs(link: Link): EventVerbs {
  /** The event, and what stands behind it among the arguments. */
  function named(verb: string, [first, second, ...others]: readonly unknown[]): [Event, ...unknown[]] {
    if (isEvent(first)) return [first, second, ...others];
    if (typeof first === "string") return [eventNamed(verb, first, second), ...others];
    throw new InvalidRequestError(
      `${verb}: got ${show(first)} where an event is wanted: admin.${verb}(packed(orderId)${verb === "emit" ? ", payload" : ""}), ` +
        `or its name and key. Nothing was sent to the database.`,
    );
  }

  return {
    async emit(...given: readonly unknown[]) {
      const [event, payload, options] = named("emit", given);
      const emission = await toEmission(event, payload, options as EmitOptions, defaults.maxPayloadBytes);
      const [row] = await link.run(link.engine.emit, { ...emission, guarded: false, pin: null });
      return { emitted: (JSON.parse(row!.answer!) as Emitted).emitted };
    },
    async event(...given: readonly unknown[]) {
      const [{ type, key }] = named("event", given);
      const [row] = await link.run(link.engine.findEvent, { name: type.name, key });
      return (
        row && {
          name: type.name,
          key,
          payload: JSON.parse(row.payload!) as unknown,
          emittedAt: new Date(row.emittedAt!),
          keptUntil: new Date(row.keptUntil!),
        }
      );
    },
  };
}

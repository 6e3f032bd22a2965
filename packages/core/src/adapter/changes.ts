import { isEvent, toEmission } from "../job/event.ts";
import { filterText, type JobFilter } from "../job/filter.ts";
import { queueName } from "../job/names.ts";
import { toPublication } from "../job/publication.ts";
import { timeText } from "../job/time.ts";
import { type Ground, guardedCall } from "./ground.ts";
import type { Verbs } from "./verbs.ts";

/** The verbs on what exists already, and publish. Each is one statement, guarded as enqueue is. */
export function changes<Tx extends object>(
  ground: Ground<Tx>,
): Pick<Verbs<Tx, object>, "cancel" | "retry" | "reschedule" | "pause" | "resume" | "publish" | "emit"> {
  const { engine } = ground;
  const call = guardedCall(ground);

  return {
    async cancel(given, target) {
      const tx = ground.openTransaction("cancel", given, ofTarget(target));
      const filter = filterText("cancel", target);
      return call("cancel", tx, ofTarget(target), (doing) => engine.cancelJobs({ filter, ...doing }));
    },
    async retry(given, target) {
      const tx = ground.openTransaction("retry", given, ofTarget(target));
      const filter = filterText("retry", target);
      return call("retry", tx, ofTarget(target), (doing) => engine.retryJobs({ filter, ...doing }));
    },
    async reschedule(given, target, time) {
      const tx = ground.openTransaction("reschedule", given, ofTarget(target));
      const input = { filter: filterText("reschedule", target), ...timeText(time) };
      return call("reschedule", tx, ofTarget(target), (doing) =>
        engine.rescheduleJobs({ ...input, ...doing }),
      );
    },
    async pause(given, queue) {
      const tx = ground.openTransaction("pause", given, ofQueue(queue));
      queueName("pause", queue);
      return call("pause", tx, ofQueue(queue), (doing) => engine.pauseQueue({ queue, ...doing }));
    },
    async resume(given, queue) {
      const tx = ground.openTransaction("resume", given, ofQueue(queue));
      queueName("resume", queue);
      return call("resume", tx, ofQueue(queue), (doing) => engine.resumeQueue({ queue, ...doing }));
    },
    async emit(given, event, payload, options) {
      const of = isEvent(event) ? ` of event "${event.type.name}" (${event.key})` : "";
      const tx = ground.openTransaction("emit", given, of);
      const emission = await toEmission(event, payload, options, ground.maxPayloadBytes);
      return call("emit", tx, of, (doing) => engine.emit({ ...emission, ...doing }));
    },
    async publish(given, topic, payload, options) {
      const of = typeof topic?.name === "string" ? ` to topic "${topic.name}"` : "";
      const tx = ground.openTransaction("publish", given, of);
      const publication = await toPublication(topic, payload, options, ground.maxPayloadBytes);
      return (await call("publish", tx, of, (doing) => engine.publish({ publication, ...doing }))).jobs;
    },
  };
}

const ofTarget = (target: string | JobFilter) => (typeof target === "string" ? ` of job ${target}` : "");
const ofQueue = (queue: unknown) => (typeof queue === "string" ? ` of queue "${queue}"` : "");

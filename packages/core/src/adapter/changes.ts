import { filterText, type JobFilter } from "../job/filter.ts";
import { queueName } from "../job/names.ts";
import { toPublication } from "../job/publication.ts";
import { timeText } from "../job/time.ts";
import { type Ground, guardedCall } from "./ground.ts";
import type { Verbs } from "./verbs.ts";

/** The verbs on what exists already, and publish. Each is one statement, guarded as enqueue is. */
export function changes<Tx extends object>(
  ground: Ground<Tx>,
): Pick<Verbs<Tx, object>, "cancel" | "retry" | "reschedule" | "pause" | "resume" | "publish"> {
  const { engine } = ground;
  const call = guardedCall(ground);

  return {
    async cancel(tx, target) {
      ground.checkTransaction("cancel", tx, ofTarget(target));
      const filter = filterText("cancel", target);
      return call("cancel", tx, ofTarget(target), (doing) => engine.cancelJobs({ filter, ...doing }));
    },
    async retry(tx, target) {
      ground.checkTransaction("retry", tx, ofTarget(target));
      const filter = filterText("retry", target);
      return call("retry", tx, ofTarget(target), (doing) => engine.retryJobs({ filter, ...doing }));
    },
    async reschedule(tx, target, time) {
      ground.checkTransaction("reschedule", tx, ofTarget(target));
      const input = { filter: filterText("reschedule", target), ...timeText(time) };
      return call("reschedule", tx, ofTarget(target), (doing) =>
        engine.rescheduleJobs({ ...input, ...doing }),
      );
    },
    async pause(tx, queue) {
      ground.checkTransaction("pause", tx, ofQueue(queue));
      queueName("pause", queue);
      return call("pause", tx, ofQueue(queue), (doing) => engine.pauseQueue({ queue, ...doing }));
    },
    async resume(tx, queue) {
      ground.checkTransaction("resume", tx, ofQueue(queue));
      queueName("resume", queue);
      return call("resume", tx, ofQueue(queue), (doing) => engine.resumeQueue({ queue, ...doing }));
    },
    async publish(tx, topic, payload, options) {
      const of = typeof topic?.name === "string" ? ` to topic "${topic.name}"` : "";
      ground.checkTransaction("publish", tx, of);
      const publication = await toPublication(topic, payload, options, ground.maxPayloadBytes);
      return (await call("publish", tx, of, (doing) => engine.publish({ publication, ...doing }))).jobs;
    },
  };
}

const ofTarget = (target: string | JobFilter) => (typeof target === "string" ? ` of job ${target}` : "");
const ofQueue = (queue: unknown) => (typeof queue === "string" ? ` of queue "${queue}"` : "");

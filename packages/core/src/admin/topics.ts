import { defaults } from "../defaults.ts";
import { type Published, type PublishOptions, toPublication } from "../job/publication.ts";
import { subscribe, type Topic } from "../job/topic.ts";
import type { JobType } from "../job/type.ts";
import type { Link } from "../worker/link.ts";

/** The verbs on topics, committed by themselves. */
export interface TopicVerbs {
  /** Has each publication of the topic make a job of this type, in its queue, until `unsubscribe`. */
  subscribe<Payload extends Input, Input>(
    topic: Topic<Payload>,
    // biome-ignore lint/suspicious/noExplicitAny: a type of any result
    jobType: JobType<Input, any, any>,
  ): Promise<void>;
  /** Ends a subscription. Jobs that were made stay. Answers whether there was one. */
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  unsubscribe(topic: Topic, jobType: JobType<any, any, any>): Promise<boolean>;
  /** Publishes outside any transaction: the jobs of the subscribers are committed when the promise resolves. */
  publish<Payload>(
    topic: Topic<Payload>,
    payload: NoInfer<Payload>,
    options?: PublishOptions | undefined,
  ): Promise<readonly Published[]>;
}

export function topicVerbs(link: Link): TopicVerbs {
  return {
    async subscribe(topic, jobType) {
      await link.run(link.engine.subscribe, { subscriptions: [subscribe(topic, jobType)] });
    },
    async unsubscribe(topic, jobType) {
      const { topic: from, jobType: type } = subscribe(topic, jobType);
      const rows = await link.run(link.engine.unsubscribe, { topic: from.name, name: type.name });
      return rows.length > 0;
    },
    async publish(topic, payload, options) {
      const publication = await toPublication(topic, payload, options, defaults.maxPayloadBytes);
      const [row] = await link.run(link.engine.publish, { publication, guarded: false, pin: null });
      return (JSON.parse(row!.answer!) as { jobs: Published[] }).jobs;
    },
  };
}

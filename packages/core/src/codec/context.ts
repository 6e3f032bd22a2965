import type { JobType } from "../job/type.ts";
import type { CodecContext } from "./codec.ts";

type Of = Pick<JobType, "name" | "version">;

const ofJob = (of: string, { name, version }: Of): CodecContext => ({
  of,
  job: name,
  version: String(version),
});

// Not the queue: that says where a job waits, and not what it is.
export const payloadContext = (type: Of): CodecContext => ofJob("payload", type);

/** Whoever publishes knows none of the jobs that come of it. */
export const topicContext = (topic: string): CodecContext => ({ of: "payload", topic });

export const eventContext = (event: string, key: string): CodecContext => ({ of: "payload", event, key });

export const resultContext = (type: Of): CodecContext => ofJob("result", type);

export const errorContext = (type: Of, id: string): CodecContext => ({ ...ofJob("error", type), id });

/** `name`: with its number, where the step is not the first of its name. */
export const stepContext = (type: Of, id: string, name: string): CodecContext => ({
  ...ofJob("step", type),
  id,
  name,
});

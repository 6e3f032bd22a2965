/** The semantic conventions for messaging, as far as they have words for it: a queue is a destination, a job a message. */
export const ofQueue = (queue: string) => ({
  "messaging.system": "pillion",
  "messaging.destination.name": queue,
});

export const processing = {
  "messaging.operation.name": "process",
  "messaging.operation.type": "process",
} as const;

/** This package, to the makers of tracers and meters. */
export const instrumentation = "@pillion/opentelemetry";

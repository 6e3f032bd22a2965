import { defineJob, type } from "@pillion/core";
import { createWorker, handle } from "@pillion/core/worker";

// What docs/poolers.md shows.

const pooledUrl = "postgres://app@pooler:6432/shop";
const directUrl = "postgres://app@server:5432/shop";
const sendMail = handle(defineJob({ name: "mail.send", payload: type<{ to: string }>() }), () => {});

const worker = createWorker({
  database: pooledUrl,
  listen: directUrl, // one connection: its beat, and to be woken
  handlers: [sendMail],
});

export const main = () => worker.run();

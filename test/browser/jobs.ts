import { defineEvent, defineJob, type } from "@pillion/core";

/** The jobs of a shop, and one whose author means harm. */
export const sendMail = defineJob({
  name: "mail.send",
  payload: type<{ to: string }>(),
  result: type<{ accepted: boolean }>(),
  queue: "mail",
});
export const writeInvoice = defineJob({
  name: "invoice.write",
  payload: type<{ orderId: number }>(),
  queue: "billing",
  maxAttempts: 2,
  backoff: { type: "fixed", delayMs: 10 },
});
export const fulfil = defineJob({
  name: "order.fulfil",
  payload: type<{ orderId: number }>(),
  queue: "orders",
});
export const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
export const importFeed = defineJob({
  name: "feed.import",
  payload: type<{ url: string }>(),
  queue: "imports",
});

const script = `<script>globalThis.harmed = true</script>`;
export const image = `<img src=x onerror="globalThis.harmed = true">`;
export const hostile = defineJob({
  name: `evil${script}`,
  payload: type<{ text: string }>(),
  queue: `q${image}`,
  maxAttempts: 1,
});

const many = defineJob({ name: "mail.many", payload: type<{ at: number }>(), queue: "many" });
export const manyMail = (at: number) => many({ at });
const deep = defineJob({ name: "mail.deep", payload: type<{ at: number }>(), queue: "deep" });
export const deepMail = (at: number) => deep({ at });
export const spareMail = defineJob({ name: "mail.spare", payload: type<{ at: number }>(), queue: "spare" });
export const tickedMail = defineJob({
  name: "mail.ticked",
  payload: type<{ at: number }>(),
  queue: "ticked",
});

export const slowly = defineJob({ name: "report.render", payload: type<{ at: number }>(), queue: "reports" });

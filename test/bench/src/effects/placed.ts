import { defineJob, type } from "@pillion/core";

/** The job of the transactional handlers. No validator: its time would be the validator's. */
export const placed = defineJob({ name: "order.placed", payload: type<{ order: number }>() });

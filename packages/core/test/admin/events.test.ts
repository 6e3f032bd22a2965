import { defineEvent, defineJob, type } from "@pillion/core";
import { handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { workshop } from "../worker/workers.ts";

const packed = defineEvent({ name: "shipment.packed", payload: type<{ boxes: number }>() });
const story = defineJob({ name: "story", payload: type<string>(), result: type<unknown>() });

test("an event is emitted by its type or by its name, once, and is answered with its payload and its time", async () => {
  const { queue, work } = await workshop();
  const { admin } = queue;
  expect(await admin.event(packed(1))).toBeUndefined();
  expect(await admin.emit(packed(1), { boxes: 1 })).toEqual({ emitted: true });
  expect(await admin.emit("shipment.packed", "1", { boxes: 2 })).toEqual({ emitted: false });
  expect(await admin.emit("shipment.packed", "2", { boxes: 2 }, { keepMs: 60_000 })).toEqual({
    emitted: true,
  });
  const [clock] = await queue.query("select now()::text as now");
  expect(await admin.event("shipment.packed", "1")).toMatchObject({
    name: "shipment.packed",
    key: "1",
    payload: { boxes: 1 },
  });
  const event = (await admin.event(packed(2)))!;
  expect(event.emittedAt.getTime()).toBeLessThanOrEqual(new Date(clock!.now!).getTime());
  expect(event.keptUntil.getTime() - event.emittedAt.getTime()).toBe(60_000);
  await work([handle(story, (job) => job.waitForEvent(packed(job.payload)))]);
  const id = await queue.add("story", "2");
  await queue.reaches(id, "completed");
  expect((await admin.job(id))!.result).toEqual({ boxes: 2 });
  // Kept no longer, it can be waited for no more, whether it has been swept or not.
  await queue.query("update pillion.event set expires_at = now()");
  expect(await admin.event(packed(2))).toBeUndefined();
});

test("an event that cannot be is refused by name, and nothing is written", async () => {
  const { queue } = await workshop();
  const { admin } = queue;
  const refused = { code: "INVALID_REQUEST" };
  await expect(admin.emit("", "1", null)).rejects.toMatchObject({
    ...refused,
    message: expect.stringMatching(/^emit: the event's name is empty/),
  });
  await expect(admin.emit("a", "x".repeat(513), null)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining('Event "a": its key has 513 bytes'),
  });
  await expect(admin.emit(packed as never, { boxes: 1 } as never)).rejects.toMatchObject({
    ...refused,
    message: expect.stringMatching(/^emit: got .* where an event is wanted/),
  });
  await expect(admin.event(undefined as never)).rejects.toMatchObject(refused);
  await expect(admin.emit("a", "1", null, { keepMs: 0 })).rejects.toMatchObject(refused);
  for (const payload of [undefined, 1n, { at: new Date(0) }, "x".repeat(1_048_575)])
    await expect(admin.emit("a", "1", payload)).rejects.toMatchObject({
      code: "INVALID_JOB",
      message: expect.stringMatching(/^Event "a": its payload/),
    });
  expect(await queue.query("select from pillion.event")).toEqual([]);
});

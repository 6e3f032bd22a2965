import { createHash } from "node:crypto";
import { DiscardError, defineJob, RetryError, type } from "@pillion/core";
import { type DurableJob, handle } from "@pillion/core/worker";
import { expect, test } from "vitest";
import { workshop } from "../worker/workers.ts";

const story = defineJob({
  name: "story",
  payload: type<null>(),
  result: type<unknown>(),
  maxAttempts: 3,
  backoff: { type: "fixed", delayMs: 0 },
});
const again = () => new RetryError({ delayMs: 0, message: "once more" });

/** Runs one job of this handler to its end; answers its record. */
async function play(run: (job: DurableJob<null>) => unknown, end: "completed" | "dead" = "completed") {
  const { queue, work } = await workshop();
  const { logger } = await work([handle(story, run)]);
  const id = await queue.add("story");
  await queue.reaches(id, "completed", "dead", "cancelled");
  const record = (await queue.admin.job(id))!;
  expect(record.error).toEqual(end === "completed" ? null : expect.anything());
  expect(record.state).toBe(end);
  return { queue, record, logger, id };
}

test("a step that has ended runs once, and gives its answer again to every later attempt", async () => {
  const ran: string[] = [];
  const { record } = await play(async (job) => {
    const reserved = await job.step("reserve", () => {
      ran.push("reserve");
      return { seats: 2, note: undefined };
    });
    const charged = await job.step("charge", async () => void ran.push("charge"));
    if (job.attempt < 3) throw again();
    return { reserved, charged: charged === undefined, attempt: job.attempt };
  });
  expect(ran).toEqual(["reserve", "charge"]);
  expect(record.result).toEqual({ reserved: { seats: 2 }, charged: true, attempt: 3 });
});

test("a step that throws is run again by the next attempt, and those before it are not", async () => {
  const ran: string[] = [];
  await play(async (job) => {
    await job.step("first", () => void ran.push("first"));
    await job.step("second", () => {
      ran.push("second");
      if (ran.length < 3) throw again();
    });
  });
  expect(ran).toEqual(["first", "second", "second"]);
});

test("steps in a loop are told apart by their numbers", async () => {
  const ran: number[] = [];
  const { queue, record, id } = await play(async (job) => {
    const answers: number[] = [];
    for (let round = 0; round < 3; round++) {
      answers.push(
        await job.step("round", () => {
          ran.push(round);
          return round * 10;
        }),
      );
      if (job.attempt === round) throw again();
    }
    return answers;
  });
  expect(ran).toEqual([0, 1, 2]);
  expect(record.result).toEqual([0, 10, 20]);
  expect(
    await queue.query("select name from pillion.checkpoint where job = $1 order by ordinal", [id]),
  ).toEqual([{ name: "round" }, { name: "round#2" }, { name: "round#3" }]);
});

test("steps that are started together run side by side, and one that failed is run again alone", async () => {
  const ran: string[] = [];
  const { record } = await play(async (job) => {
    let met = 0;
    let both = () => {};
    const meeting = new Promise<void>((resolve) => {
      both = resolve;
    });
    const meet = async (name: string) => {
      ran.push(name);
      if (job.attempt === 1) {
        if (++met === 2) both();
        await meeting;
        if (name === "left") throw again();
      }
      return name;
    };
    // Both end before the attempt does, whichever fails.
    const [left, right] = await Promise.allSettled([
      job.step("left", () => meet("left")),
      job.step("right", () => meet("right")),
    ]);
    if (left.status === "rejected") throw left.reason;
    return [left.value, right.status];
  });
  expect(ran).toEqual(["left", "right", "left"]);
  expect(record.result).toEqual(["left", "fulfilled"]);
});

test("a failure that the handler caught, and went on behind, is the same in every later attempt", async () => {
  const ran: string[] = [];
  const { record } = await play(async (job) => {
    const said: string[] = [];
    await job
      .step("charge", () => {
        ran.push("charge");
        throw new RangeError("no money");
      })
      .catch((error) => said.push(`${error.name}: ${error.message}`));
    await job.step("refund", () => void ran.push("refund"));
    if (job.attempt === 1) throw again();
    return said;
  });
  expect(ran).toEqual(["charge", "refund"]);
  expect(record.result).toEqual([
    expect.stringMatching(/^StepFailedError: job \d+ "story" .*RangeError: no money/),
  ]);
});

test.each([
  [
    "has another name",
    async (job: DurableJob<null>) => job.step("renamed", () => {}),
    /step 1 is "renamed", and was "first" in an earlier attempt/,
  ],
  [
    "comes in another order",
    async (job: DurableJob<null>) => {
      await job.step("second", () => {});
      await job.step("first", () => {});
    },
    /step 1 is "second", and was "first"/,
  ],
  [
    "is missing at the end",
    async (job: DurableJob<null>) => job.step("first", () => {}),
    /step 2 was "second" in an earlier attempt, and the handler has returned without it/,
  ],
  ["is missing altogether", async () => {}, /step 1 was "first" in an earlier attempt/],
  [
    "has become a wait",
    async (job: DurableJob<null>) => job.sleep(1),
    /step 1 is "sleep" \(sleep\), and was "first"/,
  ],
])(
  "a step that %s since an earlier attempt fails the attempt, and runs nothing",
  async (_, later, message) => {
    const { record } = await play(async (job) => {
      if (job.attempt > 1) return later(job);
      await job.step("first", () => {});
      await job.step("second", () => {});
      throw again();
    }, "dead");
    expect(record.error).toMatchObject({
      name: "StepsChangedError",
      code: "STEPS_CHANGED",
      message: expect.stringMatching(message),
    });
  },
);

test.each<[string, (job: DurableJob<null>) => unknown, RegExp]>([
  [
    "a step inside a step",
    (job) => job.step("outer", () => job.step("inner", () => {})),
    /step "inner" began while step "outer" was under way/,
  ],
  [
    "a name used twice side by side",
    (job) => Promise.all([job.step("same", () => {}), job.step("same", () => {})]),
    /step "same" was started twice side by side/,
  ],
  [
    "a step that nobody awaits",
    (job) => void job.step("left alone", () => new Promise(() => {})),
    /step "left alone" was still under way/,
  ],
  ["an empty name", (job) => job.step("", () => {}), /its name is empty/],
  ["a name that is too long", (job) => job.step("x".repeat(129), () => {}), /129 bytes; at most 128/],
  ["a name like a number's", (job) => job.step("a#2", () => {}), /ends like the number of a step in a loop/],
  ["no function", (job) => job.step("nothing", undefined as never), /step "nothing" got no function/],
  [
    "an answer that JSON cannot carry",
    (job) => job.step("date", () => ({ at: new Date(0) })),
    /step "date" its answer at at is an instance of Date/,
  ],
  [
    "an answer that is too large",
    (job) => job.step("large", () => "x".repeat(1_048_575)),
    /step "large" its answer has 1048577 bytes of JSON; at most 1048576/,
  ],
  ["a sleep of no length", (job) => job.sleep(Number.NaN), /step "sleep" got NaN/],
  [
    "an event that is none",
    (job) => job.waitForEvent("packed" as never),
    /got "packed" where an event is wanted/,
  ],
  ["a child that is none", (job) => job.run(story as never), /where a job is wanted/],
])(
  "%s is refused, by the names of the job and the step, also where the handler catches it",
  async (_, misuse, message) => {
    const { record, queue, id } = await play(async (job) => {
      try {
        await misuse(job);
      } catch (error) {
        if (job.attempt === 1) throw error;
      }
    }, "dead");
    expect(record.error).toMatchObject({
      name: "InvalidStepError",
      code: "INVALID_STEP",
      message: expect.stringMatching(message),
    });
    expect(record.error!.message).toContain(`job ${id} "story"`);
    expect(
      await queue.query("select from pillion.checkpoint where error is null and done and name <> 'first'"),
    ).toEqual([]);
  },
);

test("a step that begins after its handler has returned is refused", async () => {
  let late: Promise<unknown> | undefined;
  const { record, id } = await play((job) => {
    late = new Promise((resolve) =>
      setImmediate(() => resolve(job.step("late", () => {}).catch((error) => error))),
    );
  });
  expect(record.state).toBe("completed");
  expect(await late).toMatchObject({
    code: "INVALID_STEP",
    message: expect.stringContaining(`job ${id} "story"`),
  });
});

test("a key is the same in every attempt, another for each name and job, and a UUID", async () => {
  const keys: string[] = [];
  await play((job) => {
    keys.push(job.key("charge"), job.key("refund"));
    if (job.attempt === 1) throw again();
  });
  const [charge, refund, chargeAgain] = keys;
  expect(charge).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(chargeAgain).toBe(charge);
  expect(refund).not.toBe(charge);
  expect(createHash("sha256").update(charge!).digest("hex")).not.toBe(
    createHash("sha256").update(refund!).digest("hex"),
  );
});

test("a job that was dead and is brought back goes on behind its steps", async () => {
  const ran: string[] = [];
  let broken = true;
  const { queue, id } = await play(async (job) => {
    await job.step("once", () => void ran.push("once"));
    if (broken) throw new DiscardError("broken");
  }, "dead");
  broken = false;
  await queue.admin.retry({ ids: [id] });
  await queue.reaches(id, "completed");
  expect(ran).toEqual(["once"]);
});

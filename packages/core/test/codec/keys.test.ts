import { type Codec, defineJob, type } from "@pillion/core";
import { aesGcm } from "@pillion/core/encryption";
import { createWorker, handle } from "@pillion/core/worker";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { listeningLogger, type TestQueue, testQueue, until } from "../worker/queue.ts";
import { key, rotating } from "./keys.ts";

let queue: TestQueue;
beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue.drop());

const define = (name: string, codec: Codec, maxAttempts = 1) =>
  defineJob({
    name,
    queue: name,
    payload: type<string>(),
    codec,
    maxAttempts,
    backoff: { type: "fixed", delayMs: 1 },
  });
type JobType = ReturnType<typeof define>;

async function working(jobType: JobType, seen: unknown[] = []) {
  const logger = listeningLogger();
  const worker = createWorker({
    database: queue.pool,
    schema: queue.schema,
    pollMs: 20,
    logger,
    handlers: [handle(jobType, async (job) => void seen.push(job.payload))],
  });
  onTestFinished(() => worker.stop({ graceMs: 0 }));
  await worker.start();
  return { seen, logger };
}

// In what `query` takes, a name before a point is the schema's.
const keyIds = (name: string) =>
  queue.query(
    `select payload ->> ('pillion' || '.key') as key from pillion.live where name = $1
     union all select payload ->> ('pillion' || '.key') from pillion.archive where name = $1 order by 1`,
    [name],
  );

test("keys are rotated: each job keeps the id of its key, and old jobs are read while that is known", async () => {
  const { state, codec } = rotating({ current: "old", keys: { old: key(1) } });
  const jobType = define("rotated", codec);
  const before = await queue.admin.enqueue(jobType("before"));
  state.keys = { current: "new", keys: { old: key(1), new: key(2) } };
  const after = await queue.admin.enqueue(jobType("after"));
  expect(await keyIds("rotated")).toEqual([{ key: "new" }, { key: "old" }]);
  const { seen } = await working(jobType);
  await queue.reaches(before.id, "completed");
  await queue.reaches(after.id, "completed");
  expect(seen.sort()).toEqual(["after", "before"]);
});

test("a job whose key is not known here is tried again, by an error that names both, and runs once the key is there", async () => {
  const { state, codec } = rotating({ current: "2027", keys: { "2027": key(3) } });
  const jobType = define("early", codec, 1_000);
  const { id } = await queue.admin.enqueue(jobType("hello"));
  state.keys = { current: "2026", keys: { "2026": key(2) } };
  const { seen, logger } = await working(jobType);
  await until(async () => (await queue.admin.job(id))!.attempts[0]?.outcome === "failed");
  const said = `job ${id} "early" (attempt 1 of 1000): its payload is encrypted with key "2027", and cannot be read: this process does not know that key. It knows: 2026.`;
  expect(logger.lines[0]).toContain(said);
  expect((await queue.admin.job(id))!.attempts[0]).toMatchObject({
    outcome: "failed",
    error: { name: "CodecError", code: "CODEC_FAILED", message: expect.stringContaining(said) },
  });
  state.keys = { current: "2027", keys: { "2026": key(2), "2027": key(3) } };
  await queue.reaches(id, "completed");
  expect(seen).toEqual(["hello"]);
});

const changes: [string, string, string][] = [
  [
    "changed",
    `update pillion.job set payload = jsonb_set(payload, array['pillion' || '.encrypted'], to_jsonb(overlay(payload ->> ('pillion' || '.encrypted')
     placing case substr(payload ->> ('pillion' || '.encrypted'), 50, 1) when 'A' then 'B' else 'A' end from 50 for 1))) where id = $1::bigint`,
    "its text was changed",
  ],
  [
    "shortened",
    `update pillion.job set payload = jsonb_set(payload, array['pillion' || '.encrypted'], '"AAAA"') where id = $1::bigint`,
    "its text was changed",
  ],
  [
    "said to be published",
    `update pillion.job set payload = payload || jsonb_build_object('pillion' || '.topic', 'said to be published') where id = $1::bigint`,
    "its text was changed",
  ],
];
test.each(changes)("a job whose text was %s is dead at once", async (name, change, why) => {
  const jobType = define(name, aesGcm({ current: "k", keys: { k: key(1) } }), 5);
  const { id } = await queue.admin.enqueue(
    jobType("a text of some length, so that there is something to change"),
  );
  await queue.query(change, [id]);
  await working(jobType);
  await queue.reaches(id, "dead");
  const { attempt, error } = (await queue.admin.job(id))!;
  expect({ attempt, error }).toMatchObject({
    attempt: 1,
    error: { code: "CODEC_FAILED", message: expect.stringContaining(why) },
  });
  expect(error!.message).toContain(
    `job ${id} "${name}" (attempt 1 of 5): its payload is encrypted with key "k"`,
  );
});

test("a payload that was put in the place of another type's, or of another version's, is not read", async () => {
  const codec = aesGcm({ current: "k", keys: { k: key(1) } });
  const [from, to] = [define("from", codec), define("to", codec)];
  const source = await queue.admin.enqueue(from("for from"));
  const { id } = await queue.admin.enqueue(to("for to"));
  await queue.query(
    "update pillion.job set payload = (select payload from pillion.job where id = $1::bigint) where id = $2::bigint",
    [source.id, id],
  );
  await working(to);
  await queue.reaches(id, "dead");
});

test("what is stored clear runs where the codec does not refuse it", async () => {
  const keys = { current: "k", keys: { k: key(1) } };
  const lenient = define("lenient", aesGcm(keys));
  const strict = define("strict", aesGcm({ ...keys, refuseClear: true }), 5);
  const [taken, refused] = [
    await queue.add("lenient", "clear", { queue: "lenient" }),
    await queue.add("strict", "clear", { queue: "strict" }),
  ];
  const { seen } = await working(lenient);
  await working(strict);
  await queue.reaches(taken, "completed");
  await queue.reaches(refused, "dead");
  expect(seen).toEqual(["clear"]);
  expect((await queue.admin.job(refused))!.error!.message).toContain(
    "its codec takes only what is encrypted",
  );
});

test("an encrypted job that reaches a worker whose type has no codec is tried again, and says so", async () => {
  const encrypted = define("deployed", aesGcm({ current: "k", keys: { k: key(1) } }), 1_000);
  const clear = defineJob({
    name: "deployed",
    queue: "deployed",
    payload: type<string>(),
    backoff: { type: "fixed", delayMs: 1 },
  });
  const { id } = await queue.admin.enqueue(encrypted("hello"));
  const { logger } = await working(clear);
  await until(() => logger.lines.length > 0);
  expect(logger.lines[0]).toContain(`its payload is encrypted with key "k", and here its type has no codec`);
  expect((await queue.admin.job(id))!.finishedAt).toBeNull();
});

test("a codec of one's own may answer promises; its error fails the enqueue, and nothing is sent", async () => {
  let away = false;
  const seen: unknown[] = [];
  const kms: Codec = {
    async encode(text, context) {
      if (away) throw new Error("the KMS is away");
      seen.push(context);
      return { keyId: "arn:key/1", data: Buffer.from(text).reverse().toString("base64") };
    },
    decode: async ({ data }) => Buffer.from(data, "base64").reverse().toString(),
  };
  const jobType = define("kms", kms);
  const { id } = await queue.admin.enqueue(jobType("hello"));
  expect(seen).toEqual([{ of: "payload", job: "kms", version: "1" }]);
  away = true;
  await expect(queue.admin.enqueue(jobType("hello"))).rejects.toMatchObject({
    code: "CODEC_FAILED",
    retryable: true,
    message:
      'Job "kms": its payload could not be encrypted: the KMS is away. Nothing was sent to the database.',
  });
  const run = await working(jobType);
  await queue.reaches(id, "completed");
  expect(run.seen).toEqual(["hello"]);
  expect(await keyIds("kms")).toEqual([{ key: "arn:key/1" }]);
});

test("keys that cannot be are refused before anything is encrypted, and never shown", async () => {
  const wrong = "not-a-key-but-a-secret";
  for (const keys of [
    { current: "k", keys: {} },
    { current: "k", keys: { k: undefined } },
    { current: "toString", keys: { k: key(1) } },
    { current: "k", keys: { k: wrong } },
    { current: "k", keys: { k: Buffer.alloc(16) } },
    { current: "k", keys: { k: key(1), "": key(2) } },
    undefined as never,
  ])
    expect(() => aesGcm(keys)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIGURATION", message: expect.not.stringContaining(wrong) }),
    );
  const lazy = defineJob({
    name: "lazy",
    payload: type<string>(),
    codec: aesGcm(() => ({ current: "k", keys: {} })),
  });
  await expect(queue.admin.enqueue(lazy("x"))).rejects.toMatchObject({ code: "CODEC_FAILED" });
  for (const codec of [null, {}, { encode() {} }, "aes"])
    expect(() => defineJob({ name: "x", payload: type<string>(), codec: codec as never })).toThrow(
      expect.objectContaining({ code: "INVALID_DEFINITION" }),
    );
});

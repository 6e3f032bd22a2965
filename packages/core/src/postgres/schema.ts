import { InvalidConfigurationError } from "../errors.ts";
import { textIssueOf, utf8Bytes } from "../json.ts";
import { show } from "../show.ts";

/** The queue's objects in one schema, quoted, for use in statements. */
export type Schema = ReturnType<typeof schemaOf>;

/** @throws InvalidConfigurationError for a name that Postgres, or the migrations' text, cannot carry */
export function schemaOf(name: string) {
  if (
    typeof name !== "string" ||
    name === "" ||
    utf8Bytes(name) > 63 ||
    textIssueOf(name) ||
    /['\\\p{Cc}]|\$\$|^pg_/u.test(name)
  )
    throw new InvalidConfigurationError(
      `The schema name ${show(name)} cannot be used: a name has 1 to 63 bytes, does not start with pg_, and contains no ` +
        "single quote, backslash, $$ or control character.",
    );
  const quoted = name === "pillion" ? name : `"${name.replaceAll('"', '""')}"`;
  const object = (table: string) => `${quoted}.${table}`;
  return {
    name,
    quoted,
    job: object("job"),
    jobState: object("job_state"),
    archive: object("archive"),
    attempt: object("attempt"),
    uniqueKey: object("unique_key"),
    attempts: object("attempts"),
    queue: object("queue"),
    start: object("start"),
    blockedKey: object("blocked_key"),
    worker: object("worker"),
    schedule: object("schedule"),
    migration: object("migration"),
    position: `'${object("position")}'`,
    claim: `'${object("claim")}'`,
    enqueueOne: object("enqueue_one"),
    enqueueKeyed: object("enqueue_keyed"),
    wake: object("wake"),
    step: object("step"),
    unpack: object("unpack"),
    live: object("live"),
    batch: object("batch"),
    tick: object("tick"),
    waiting: object("waiting"),
    rescue: object("rescue"),
    promote: object("promote"),
    claimByKey: object("claim_by_key"),
    complete: object("complete"),
    sees: object("sees"),
    idempotency: object("idempotency"),
    beginOnce: object("begin_once"),
    endOnce: object("end_once"),
    enqueuedHere: object("enqueued_here"),
    startHere: object("start_here"),
    endHere: object("end_here"),
    checkpointTable: object("checkpoint"),
    event: object("event"),
    wait: object("wait"),
    checkpoint: object("checkpoint"),
    checkpoints: object("checkpoints"),
    beginWait: object("begin_wait"),
    readSteps: object("read_steps"),
    emit: object("emit"),
    keep: object("keep"),
    findJobs: object("find_jobs"),
    lookThrough: object("look_through"),
    newestDead: object("newest_dead"),
    queueDepths: object("queue_depths"),
    cancel: object("cancel"),
    retry: object("retry"),
    reschedule: object("reschedule"),
    pause: object("pause"),
    resume: object("resume"),
    publish: object("publish"),
    subscription: object("subscription"),
    keepUntil: object("keep_until"),
    keepAttemptUntil: object("keep_attempt_until"),
    throughput: object("throughput"),
  };
}

import { cancelJobs, rescheduleJobs, retryJobs } from "./change-jobs.ts";
import { pauseSchedule, removeSchedule, resumeSchedule, runSchedule } from "./change-schedule.ts";
import { claimByKey } from "./claim-by-key.ts";
import { complete, completed, sees } from "./complete.ts";
import { countJobs } from "./count-jobs.ts";
import { deadGroups } from "./dead-groups.ts";
import { depart, forgetSilent, reinstate, removeStopped, reopen } from "./depart.ts";
import { discard } from "./discard.ts";
import { dueSchedules } from "./due-schedules.ts";
import { emit, findEvent } from "./emit.ts";
import { enqueue } from "./enqueue.ts";
import { enqueueKeyed, enqueueMany } from "./enqueue-many.ts";
import { findEndings } from "./find-endings.ts";
import { findJob } from "./find-job.ts";
import { fireSchedules } from "./fire-schedules.ts";
import { endHere, enqueuedHere, startHere } from "./here.ts";
import { keep } from "./keep.ts";
import { listJobs } from "./list-jobs.ts";
import { listSchedules } from "./list-schedules.ts";
import { lookThrough } from "./look-through.ts";
import { markStarted } from "./mark-started.ts";
import { beginOnce, endOnce, sweepAnswers } from "./once.ts";
import { pauseQueue, resumeQueue } from "./pause.ts";
import { promote } from "./promote.ts";
import { publish } from "./publish.ts";
import { queues, setQueue } from "./queues.ts";
import { register } from "./register.ts";
import { release } from "./release.ts";
import { rescue } from "./rescue.ts";
import { retry } from "./retry.ts";
import { schemaOf } from "./schema.ts";
import { currentSettings, setLocal } from "./set-local.ts";
import { setSchedules } from "./set-schedules.ts";
import { claim, step } from "./step.ts";
import {
  beginWait,
  checkpoint,
  checkpoints,
  isRecorded,
  readSteps,
  sweepEvents,
  sweepSteps,
} from "./steps.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";
import { sweepKeys } from "./sweep-keys.ts";
import { sweepStarts } from "./sweep-starts.ts";
import { throughput } from "./throughput.ts";
import { tick } from "./tick.ts";
import { unhandled } from "./unhandled.ts";
import { unpack } from "./unpack.ts";
import { workers } from "./workers.ts";

/** Every statement on one schema, compiled. What an engine is, other databases will have to offer too. */
export type Engine = ReturnType<typeof postgresEngine>;

export function postgresEngine(schemaName: string) {
  const schema = schemaOf(schemaName);
  return {
    schema,
    enqueue: enqueue(schema),
    enqueueMany: enqueueMany(schema),
    enqueueKeyed: enqueueKeyed(schema),
    step: step(schema),
    claim: claim(schema),
    tick: tick(schema),
    claimByKey: claimByKey(schema),
    complete: complete(schema),
    completed: completed(schema),
    sees: sees(schema),
    setLocal: setLocal(),
    currentSettings: currentSettings(),
    beginOnce: beginOnce(schema),
    endOnce: endOnce(schema),
    sweepAnswers: sweepAnswers(schema),
    enqueuedHere: enqueuedHere(schema),
    startHere: startHere(schema),
    endHere: endHere(schema),
    checkpoint: checkpoint(schema),
    checkpoints: checkpoints(schema),
    beginWait: beginWait(schema),
    readSteps: readSteps(schema),
    isRecorded: isRecorded(schema),
    sweepSteps: sweepSteps(schema),
    sweepEvents: sweepEvents(schema),
    emit: emit(schema),
    findEvent: findEvent(schema),
    markStarted: markStarted(schema),
    unpack: unpack(schema),
    retry: retry(schema),
    discard: discard(schema),
    release: release(schema),
    rescue: rescue(schema),
    promote: promote(schema),
    register: register(schema),
    depart: depart(schema),
    forgetSilent: forgetSilent(schema),
    reopen: reopen(schema),
    reinstate: reinstate(schema),
    removeStopped: removeStopped(schema),
    unhandled: unhandled(schema),
    sweepKeys: sweepKeys(schema),
    sweepStarts: sweepStarts(schema),
    keep: keep(schema),
    findJob: findJob(schema),
    findEndings: findEndings(schema),
    setSchedules: setSchedules(schema),
    dueSchedules: dueSchedules(schema),
    fireSchedules: fireSchedules(schema),
    cancelJobs: cancelJobs(schema),
    retryJobs: retryJobs(schema),
    rescheduleJobs: rescheduleJobs(schema),
    countJobs: countJobs(schema),
    pauseQueue: pauseQueue(schema),
    resumeQueue: resumeQueue(schema),
    publish: publish(schema),
    subscribe: subscribe(schema),
    unsubscribe: unsubscribe(schema),
    pauseSchedule: pauseSchedule(schema),
    resumeSchedule: resumeSchedule(schema),
    removeSchedule: removeSchedule(schema),
    runSchedule: runSchedule(schema),
    listSchedules: listSchedules(schema),
    listJobs: listJobs(schema),
    lookThrough: lookThrough(schema),
    deadGroups: deadGroups(schema),
    workers: workers(schema),
    queues: queues(schema),
    setQueue: setQueue(schema),
    throughput: throughput(schema),
  };
}

import { errorContext, payloadContext, resultContext, stepContext } from "../codec/context.ts";
import { isEncrypted, unseal } from "../codec/seal.ts";
import { InvalidConfigurationError } from "../errors.ts";
import { isJobType, type JobType } from "../job/type.ts";
import { show } from "../show.ts";
import type { ErrorRecord, JobRecord } from "./job-record.ts";

/**
 * What `admin.job` answered, in clear: payload, result, what its errors say and what its own steps answered. For whoever
 * has the keys, which the type's codec knows. What events and children left to its steps stays as it is.
 *
 * @throws CodecError that names the key; InvalidConfigurationError where the job is of another type
 */
export async function reveal(
  record: JobRecord,
  // biome-ignore lint/suspicious/noExplicitAny: a type of any payload and result
  jobType: JobType<any, any, any>,
): Promise<JobRecord> {
  if (!isJobType(jobType))
    throw new InvalidConfigurationError(`reveal: got ${show(jobType)} where a job type is wanted.`);
  const { id, name, version } = record;
  if (name !== jobType.name || version !== jobType.version)
    throw new InvalidConfigurationError(
      `reveal: job ${id} is a job "${name}" of version ${version}, and not a job "${jobType.name}" of version ${jobType.version}.`,
    );
  const read = async (context: ReturnType<typeof payloadContext>, stored: unknown, what: string) =>
    isEncrypted(stored)
      ? unseal(jobType.codec, context, stored, `job ${id} "${name}": ${what}`, name)
      : stored;
  const errorOf = async (error: ErrorRecord | null) =>
    error?.encrypted
      ? ((await read(errorContext(jobType, id), error.encrypted, "its error")) as ErrorRecord)
      : error;
  return {
    ...record,
    payload: await read(payloadContext(jobType), record.payload, "its payload"),
    result: await read(resultContext(jobType), record.result, "its result"),
    error: await errorOf(record.error),
    attempts: await Promise.all(
      record.attempts.map(async (attempt) => ({ ...attempt, error: await errorOf(attempt.error) })),
    ),
    steps: await Promise.all(
      record.steps.map(async (step) => ({
        ...step,
        result:
          step.kind === "step" || step.kind === "stepTx"
            ? await read(
                stepContext(jobType, id, step.name),
                step.result,
                `the answer of step "${step.name}"`,
              )
            : step.result,
        error: await errorOf(step.error),
      })),
    ),
  };
}

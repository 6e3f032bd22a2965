import { CodecError } from "../errors.ts";
import { nameIssueOf } from "../job/names.ts";
import type { Codec, CodecContext, Encoded } from "./codec.ts";
import { topicContext } from "./context.ts";

/** What is stored in the place of what a codec has encrypted. */
export interface EncryptedValue {
  /** The id of the key. */
  readonly "pillion.key": string;
  readonly "pillion.encrypted": string;
  /** Of what was published: the topic. */
  readonly "pillion.topic"?: string;
}

/** Whether a payload, a result or what a step came to is stored encrypted: as the admin API answers it. */
export function isEncrypted(stored: unknown): stored is EncryptedValue {
  return (
    typeof stored === "object" &&
    stored !== null &&
    typeof (stored as EncryptedValue)["pillion.encrypted"] === "string" &&
    typeof (stored as EncryptedValue)["pillion.key"] === "string"
  );
}

/** Encrypts a JSON text. `what` begins the error's sentence: `job "mail.send": its payload`. @throws CodecError */
export function seal(
  codec: Codec,
  context: CodecContext,
  text: string,
  what: string,
  jobName?: string,
  /** What follows from it. */
  then = "The attempt has failed",
): EncryptedValue | Promise<EncryptedValue> {
  const fail = (cause: unknown): never => {
    throw new CodecError(`${what} could not be encrypted: ${messageOf(cause)}. ${then}.`, {
      cause,
      jobName,
      retryable: true,
    });
  };
  const stored = (encoded: Encoded): EncryptedValue => {
    const issue = nameIssueOf(encoded?.keyId);
    if (issue !== undefined || typeof encoded.data !== "string")
      return fail(new TypeError(issue ? `the codec's keyId ${issue}` : "the codec's data is not a text"));
    const { keyId, data } = encoded;
    return {
      "pillion.key": keyId,
      "pillion.encrypted": data,
      ...(context.topic !== undefined && { "pillion.topic": context.topic }),
    };
  };
  let encoded: Encoded | Promise<Encoded>;
  try {
    encoded = codec.encode(text, context);
  } catch (error) {
    return fail(error);
  }
  return isThenable(encoded) ? Promise.resolve(encoded).then(stored, fail) : stored(encoded);
}

/**
 * What is stored, read: as it is where it is not encrypted. @throws CodecError that names job and key id, of which a text
 * that cannot be read by any attempt is not `retryable`
 */
export function unseal(
  codec: Codec | undefined,
  context: CodecContext,
  stored: unknown,
  what: string,
  jobName?: string,
): unknown {
  const refuse = (message: string, retryable: boolean, keyId?: string, cause?: unknown): never => {
    throw new CodecError(`${what} ${message}`, { cause, jobName, keyId, retryable });
  };
  if (!isEncrypted(stored)) {
    let refused: boolean | undefined;
    try {
      refused = codec?.refuseClear;
    } catch (error) {
      return refuse(`cannot be read: ${messageOf(error)}`, true, undefined, error);
    }
    if (!refused) return stored;
    return refuse(
      "is stored clear, and its codec takes only what is encrypted. It was enqueued without it",
      false,
    );
  }
  const { "pillion.key": keyId, "pillion.encrypted": data, "pillion.topic": topic } = stored;
  if (codec === undefined)
    return refuse(
      `is encrypted with key "${keyId}", and here its type has no codec. Run it where the type has one`,
      true,
      keyId,
    );
  const fail = (cause: unknown) =>
    refuse(
      `is encrypted with key "${keyId}", and cannot be read: ${messageOf(cause)}`,
      (cause as { retryable?: unknown } | null)?.retryable !== false,
      keyId,
      cause,
    );
  const read = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      // The parser's own error quotes the text.
      return fail(new CodecError("the codec has answered no JSON text", { retryable: false }));
    }
  };
  const bound = topic !== undefined && context.of === "payload" ? topicContext(topic) : context;
  let text: string | Promise<string>;
  try {
    text = codec.decode({ keyId, data }, bound);
  } catch (error) {
    return fail(error);
  }
  return isThenable(text) ? Promise.resolve(text).then(read, fail) : read(text);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

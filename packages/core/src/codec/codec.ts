/**
 * Encrypts what is stored of jobs before it reaches SQL, and reads it again: `codec` of `defineJob`, `defineEvent` and
 * `defineTopic`. `aesGcm` of `@pillion/core/encryption` is one; write your own for a KMS. Both ways may answer a promise.
 */
export interface Codec {
  /**
   * Encrypts a text with the key that is current. Its error fails the enqueue, or the attempt. What its error says is
   * logged and stored: it must not quote the text.
   *
   * `context` says what the text is, of which job type: bind it, as additional authenticated data (of a KMS: as encryption
   * context), so that one job's text cannot be put in another's place.
   */
  encode(text: string, context: CodecContext): Encoded | Promise<Encoded>;
  /**
   * Reads a text again; it is given the context that it was encrypted with. Throw a CodecError that is not `retryable` for
   * what no attempt will ever read: its job is dead at once. Whatever else is thrown passes by itself, or once somebody
   * deploys a key: the job is tried again.
   */
  decode(encoded: Encoded, context: CodecContext): string | Promise<string>;
  /**
   * True: a payload that is stored clear is not taken, and its job is dead. False, the default: it is taken as it is. So
   * jobs that waited when the codec was introduced run, and so do those that SQL or the command line enqueue.
   */
  readonly refuseClear?: boolean | undefined;
}

/** An encrypted text. */
export interface Encoded {
  /** Which key it is encrypted with: stored beside it, for all to read. 1 to 128 bytes. */
  readonly keyId: string;
  readonly data: string;
}

/**
 * What a text is: `of` is `payload`, `result`, `error` or `step`; `job` and `version`, `topic`, or `event` and `key` say
 * whose. The same when it is read as when it was encrypted.
 */
export type CodecContext = Readonly<Record<string, string>>;

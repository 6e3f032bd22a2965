import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Codec, CodecContext } from "../codec/codec.ts";
import { CodecError, InvalidConfigurationError } from "../errors.ts";
import { nameIssueOf } from "../job/names.ts";

/** The keys of `aesGcm`, by their ids. An id is stored with each text, for all to read. */
export interface AesGcmKeys {
  /** The id of the key that encrypts. */
  readonly current: string;
  /**
   * All keys that read: 32 random bytes each, or their base64: what `openssl rand -base64 32` prints. Keep a key for as
   * long as there are jobs, finished ones too, that somebody wants to read.
   */
  readonly keys: Readonly<Record<string, string | Uint8Array | undefined>>;
  /** True: what is stored clear is not taken, see {@link Codec.refuseClear}. */
  readonly refuseClear?: boolean | undefined;
}

const [saltBytes, nonceBytes, tagBytes] = [16, 12, 16];

/**
 * A codec with AES-256-GCM of node:crypto. To rotate, deploy the new key everywhere as one that reads, and then make it
 * `current`; take the old one away once no job needs it. A function is asked at every use, so that nothing is read from the
 * environment before the first, and keys can come and go while the process runs.
 *
 * Each text has a key of its own, derived from the one named (HKDF-SHA-256 with a random salt), so that no number of jobs
 * wears a key out. What the text is, of which job type, is authenticated with it.
 *
 * @throws InvalidConfigurationError for keys that cannot be: now, or for a function at its first use
 */
export function aesGcm(given: AesGcmKeys | (() => AesGcmKeys)): Codec {
  if (typeof given !== "function") check(given);
  const keys = () => (typeof given === "function" ? check(given()) : given);
  return {
    encode(text, context) {
      const { current, keys: known } = keys();
      const salt = randomBytes(saltBytes);
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", derived(known[current]!, salt), nonce);
      cipher.setAAD(bound(context));
      const data = Buffer.concat([
        salt,
        nonce,
        cipher.update(text, "utf8"),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return { keyId: current, data: data.toString("base64") };
    },
    decode({ keyId, data }, context) {
      const { keys: known } = keys();
      const key = Object.hasOwn(known, keyId) ? known[keyId] : undefined;
      if (key === undefined)
        throw new CodecError(
          `this process does not know that key. It knows: ${Object.keys(known).join(", ")}. Deploy it with the key`,
          { keyId, retryable: true },
        );
      const bytes = Buffer.from(data, "base64");
      const salt = bytes.subarray(0, saltBytes);
      const nonce = bytes.subarray(saltBytes, saltBytes + nonceBytes);
      const text = bytes.subarray(saltBytes + nonceBytes, -tagBytes);
      try {
        const decipher = createDecipheriv("aes-256-gcm", derived(key, salt), nonce, {
          authTagLength: tagBytes,
        });
        decipher.setAAD(bound(context));
        decipher.setAuthTag(bytes.subarray(-tagBytes));
        return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
      } catch {
        throw new CodecError(
          "its text was changed, or belongs to another job, or is of another key that had the same id",
          { keyId, retryable: false },
        );
      }
    },
    get refuseClear() {
      return keys().refuseClear === true;
    },
  };
}

function derived(key: string | Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", bytesOf(key), salt, "pillion aes-256-gcm", 32));
}

const bytesOf = (key: string | Uint8Array) => (typeof key === "string" ? Buffer.from(key, "base64") : key);

/** In one order, whoever wrote it down. */
function bound(context: CodecContext): Uint8Array {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Says nothing of a key but its id. */
function check(given: AesGcmKeys): AesGcmKeys {
  const refuse = (what: string): never => {
    throw new InvalidConfigurationError(`aesGcm: ${what}`);
  };
  const { current, keys } = Object(given) as AesGcmKeys;
  if (typeof keys !== "object" || keys === null)
    refuse('pass { current, keys }: { current: "2026-11", keys: { "2026-11": key } }.');
  for (const [id, key] of Object.entries(keys)) {
    const issue = nameIssueOf(id);
    if (issue !== undefined) refuse(`the id of a key ${issue}.`);
    if (key === undefined) continue;
    const usable = typeof key === "string" ? isBase64(key) : key instanceof Uint8Array;
    if (!usable || bytesOf(key).length !== 32)
      refuse(`key "${id}" is not 32 bytes, or their base64. Make one with: openssl rand -base64 32`);
  }
  if (typeof current !== "string" || !Object.hasOwn(keys, current) || keys[current] === undefined)
    refuse("there is no key under the id that `current` names. Is its variable set?");
  return given;
}

const isBase64 = (text: string) => /^[A-Za-z0-9+/]{43}=$/.test(text);

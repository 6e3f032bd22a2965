import { type AesGcmKeys, aesGcm } from "@pillion/core/encryption";

export const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");

/** A codec whose keys a test may change. */
export function rotating(initial: AesGcmKeys) {
  const state = { keys: initial };
  return { state, codec: aesGcm(() => state.keys) };
}

import { type Codec, definitionsWith, isEncrypted, type } from "@pillion/core";
import { createAdmin, reveal } from "@pillion/core/admin";
import { aesGcm } from "@pillion/core/encryption";
import { z } from "zod";

declare const kms: {
  encrypt(request: { text: string; context: object }): Promise<{ key: string; blob: Buffer }>;
  decrypt(request: { key: string; blob: Buffer; context: object }): Promise<string>;
};

// Asked at each use, so nothing is read from the environment when this file is imported.
export const codec = aesGcm(() => ({
  current: "2026-11",
  keys: { "2026-11": process.env.JOBS_KEY_2026_11, "2026-05": process.env.JOBS_KEY_2026_05 },
}));

export const { defineJob, defineEvent, defineTopic } = definitionsWith({ codec });

export const sendPayslip = defineJob({
  name: "payslip.send",
  payload: z.object({ iban: z.string(), amount: z.number() }),
  result: type<{ receipt: string }>(),
  backoff: { type: "exponential", baseMs: 500 },
});

export async function lookAt(url: string, id: string): Promise<void> {
  const admin = createAdmin({ database: url });
  const record = (await admin.job(id))!;
  if (isEncrypted(record.payload)) console.log(`encrypted with key ${record.payload["pillion.key"]}`);

  const { payload, attempts } = await reveal(record, sendPayslip);
  console.log(payload, attempts.at(-1)?.error?.message);
  await admin.close();
}

export const kmsCodec: Codec = {
  async encode(text, context) {
    const { key, blob } = await kms.encrypt({ text, context });
    return { keyId: key, data: blob.toString("base64") };
  },
  decode: ({ keyId, data }, context) =>
    kms.decrypt({ key: keyId, blob: Buffer.from(data, "base64"), context }),
};

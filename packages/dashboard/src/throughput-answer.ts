import type { Admin } from "@pillion/core/admin";
import type { ThroughputAnswer } from "./api.ts";
import { parametersOf, whole } from "./given.ts";

/** The figures that an address asks for. */
export async function throughputAnswer(admin: Admin, url: URL, ofQueue: boolean): Promise<ThroughputAnswer> {
  const given = parametersOf(url, "minutes", "bucketSeconds", ...(ofQueue ? ["queue"] : []));
  const minutes = whole(given, "minutes", { least: 1, most: 1_440, otherwise: 15 });
  const bucketSeconds = whole(given, "bucketSeconds", { least: 1, most: 3_600, otherwise: minutes });
  const { queue } = given;
  const buckets = await admin.throughput({ queue, minutes, bucketSeconds });
  return {
    minutes,
    bucketSeconds,
    buckets: buckets.map(({ from, ...bucket }) => ({ from: from.toISOString(), ...bucket })),
  };
}

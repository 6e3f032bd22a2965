import type { Connection, Harness } from "./harness.ts";
import type { Place } from "./place.ts";
import { openWire, type Wire } from "./wire.ts";

/** Clients that one case after the other uses, each alone. */
export interface Seat {
  connection(): Promise<Connection<object, object>>;
  wired(): Promise<{ connection: Connection<object, object>; wire: Wire }>;
  close(): Promise<void>;
}

export function makeSeat(harness: Harness, { url, schema }: Place): Seat {
  let plain: Promise<Connection<object, object>> | undefined;
  let wired: Promise<{ connection: Connection<object, object>; wire: Wire }> | undefined;
  return {
    connection: () => (plain ??= harness.connect({ url, schema, poolSize: 6 })),
    wired: () =>
      (wired ??= openWire(url).then(async (wire) => ({
        wire,
        connection: await harness.connect({ url: wire.url, schema, poolSize: 6 }),
      }))),
    async close() {
      await (await plain)?.close();
      const through = await wired;
      await through?.connection.close();
      await through?.wire.close();
    },
  };
}

import { once } from "node:events";
import pg from "pg";

/** A connection that streams, as a standby's does, and says that queries there need rows of `xmin` still. */
export async function standby(
  url: string,
  { name, xmin, slot }: { name: string; xmin: number; slot?: string },
): Promise<{ close(): Promise<void> }> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    replication: "true",
  } as pg.ClientConfig);
  client.on("error", () => {});
  await client.connect();
  if (slot) await client.query(`CREATE_REPLICATION_SLOT ${slot} PHYSICAL RESERVE_WAL`);
  const at = (await client.query("IDENTIFY_SYSTEM")).rows[0].xlogpos;
  const { connection } = client as unknown as { connection: Connection };
  // It ends when the connection does.
  client.query(`START_REPLICATION ${slot ? `SLOT ${slot} ` : ""}PHYSICAL ${at}`).catch(() => {});
  await once(connection, "replicationStart");
  const feedback = Buffer.alloc(25);
  feedback.write("h");
  feedback.writeUInt32BE(xmin, 9);
  connection.sendCopyFromChunk(feedback);
  return { close: () => client.end() };
}

interface Connection extends NodeJS.EventEmitter {
  sendCopyFromChunk(chunk: Buffer): void;
}

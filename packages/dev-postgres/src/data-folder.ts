import { accessSync, constants, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Linux' file system in memory. */
const memory = "/dev/shm";
const enoughBytes = 4 * 2 ** 30;

/**
 * Makes a folder for a server's files. Those that need not last go to memory where there is room: a disk's file system
 * takes its time over the thousands of files that come and go with the tests' schemas.
 */
export function makeDataFolder({ durable }: { readonly durable: boolean }): string {
  return mkdtempSync(join(!durable && hasRoom(memory) ? memory : tmpdir(), "pillion-postgres-"));
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= enoughBytes;
  } catch {
    return false;
  }
}

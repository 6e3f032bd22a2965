import type { System, SystemName } from "./arm.ts";

/** Loads a system only where it is driven: a process holds the code of one. */
export async function systemOf(name: SystemName): Promise<System> {
  if (name === "pillion") return (await import("./pillion.ts")).pillion;
  if (name === "graphile-worker") return (await import("./graphile.ts")).graphile;
  return (await import("./pg-boss.ts")).pgBoss;
}

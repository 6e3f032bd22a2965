import type { SystemName } from "./arms/arm.ts";
import { Child } from "./processes/child.ts";
import { type Host, type Server, startServer } from "./server.ts";

/**
 * What a bench runs on: one server, a database for each system, and the worker processes of each arm. These are kept
 * from round to round: what is measured is not how code is compiled. All of it goes when the bench has ended.
 */
export class Hosts {
  readonly #hosts = new Map<string, Promise<Host>>();
  readonly #children = new Map<string, Promise<Child>>();

  private constructor(readonly server: Server) {}

  static async use<Value>(act: (hosts: Hosts) => Promise<Value>): Promise<Value> {
    const hosts = new Hosts(await startServer());
    try {
      return await act(hosts);
    } finally {
      for (const child of await Promise.allSettled(hosts.#children.values()))
        if (child.status === "fulfilled") child.value.end();
      await hosts.server.close();
    }
  }

  /** The system's database; with a label, another one. */
  host(system: SystemName, label = ""): Promise<Host> {
    return kept(this.#hosts, `${system} ${label}`, () => this.server.host(system));
  }

  /** The worker processes of an arm. */
  workers(arm: string, count = 1): Promise<Child[]> {
    const names = Array.from({ length: count }, (_, index) => `worker ${arm} ${index}`);
    return Promise.all(names.map((name) => kept(this.#children, name, () => Child.start("worker"))));
  }

  /** A process that puts jobs in. */
  async producer(arm: string): Promise<Child> {
    return kept(this.#children, `producer ${arm}`, () => Child.start("producer"));
  }
}

function kept<Value>(
  values: Map<string, Promise<Value>>,
  name: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const value = values.get(name) ?? make();
  values.set(name, value);
  return value;
}

import type { Connection, Harness } from "@pillion/conformance";
import type { Settings, Verbs } from "@pillion/core/adapter";
import type { TestVerbs } from "@pillion/core/testing";

// biome-ignore lint/suspicious/noExplicitAny: handles of whichever ORM the saboteur stands on
type Any = any;
export type AnyVerbs = Verbs<Any, Any>;
export type AnyTestVerbs = TestVerbs<Any>;
type AnyConnection = Connection<Any, Any>;

/** A broken adapter, to see whether the conformance suite catches it. */
export interface Saboteur {
  /** Completes "an adapter that …". */
  readonly name: string;
  /** The suite that is there to catch it. */
  readonly caughtBy: string;
  /** What a failing case of that suite says. */
  readonly saying: RegExp;
  /** Suites that fail with it, because what is broken is what they build on. */
  readonly also: readonly string[];
  /** Of the run; short where cases wait for what this adapter never lets happen. */
  readonly patienceMs: number;
  readonly harness: Harness;
}

type Verdict = Pick<Saboteur, "name" | "caughtBy" | "saying">;

export interface Sabotage extends Verdict, Partial<Pick<Saboteur, "also" | "patienceMs">> {
  /** The verbs that it replaces; `honest` are bound to the schema in use. */
  verbs(honest: AnyVerbs): Partial<AnyVerbs>;
  /** The same, of its entry point for tests. */
  testing?(honest: AnyTestVerbs): Partial<AnyTestVerbs>;
  /** What it hooks into the ORM's client. */
  connection?(honest: AnyConnection): AnyConnection;
}

/**
 * An honest harness with a broken adapter in it.
 *
 * @param module `import.meta.url` of a file that exports this saboteur's harness in `harnesses`
 */
export function saboteur(honest: Harness, module: string, sabotage: Sabotage): Saboteur {
  const { name, caughtBy, saying, also = [], patienceMs = 20_000, connection = (same) => same } = sabotage;
  const { verbs, testing = () => ({}) } = sabotage;
  const harness: Harness = {
    ...honest,
    form: `an adapter that ${name}`,
    module,
    adapter: altered(honest.adapter, verbs),
    testing: altered(honest.testing, testing),
    connect: async (options) => connection(await honest.connect(options)),
  };
  return { name, caughtBy, saying, also, patienceMs, harness };
}

function altered<V extends AnyVerbs | AnyTestVerbs>(honest: V, alter: (honest: V) => Partial<V>): V {
  return {
    ...honest,
    ...alter(honest),
    configure: (settings: Settings) => altered(honest.configure(settings) as V, alter),
  };
}

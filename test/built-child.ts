import { fileURLToPath } from "node:url";
import type { Harness } from "@pillion/conformance";
import { builtModules } from "@pillion/dev-program";

const built = new Map<string, ReturnType<typeof build>>();
const build = (module: string) =>
  builtModules({ child: new URL("./conformance-child.ts", import.meta.url).href, harness: module });

/** The harness, and the arguments for its child processes, such that these start without a compiler. */
export async function withBuiltChild(
  harness: Harness,
): Promise<{ harness: Harness; childArguments: readonly string[] }> {
  const modules = built.get(harness.module) ?? build(harness.module);
  built.set(harness.module, modules);
  const { child, harness: module } = await modules;
  return { harness: { ...harness, module }, childArguments: [fileURLToPath(child)] };
}

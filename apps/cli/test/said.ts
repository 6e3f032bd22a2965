import { expect } from "vitest";
import type { Seeded } from "./seeded.ts";

/** What a command says, for people and for scripts. */
export async function said({ run }: Seeded, ...args: string[]): Promise<{ people: string; script: unknown }> {
  const [people, script] = await Promise.all([run(...args), run(...args, "--json")]);
  expect(people).toMatchObject({ exitCode: 0, stderr: "" });
  expect(script).toMatchObject({ exitCode: 0, stderr: "" });
  return { people: people.stdout, script: JSON.parse(script.stdout) };
}

import { sayingNothing } from "../codec/tellable.ts";
import { InvalidJobError } from "../errors.ts";
import type { OpenAttempt } from "../handler/effects.ts";
import type { ActiveJob } from "../handler/handler.ts";
import { isPlainObject, textIssueOf } from "../json.ts";
import type { Engine } from "../postgres/engine.ts";
import { show } from "../show.ts";
import type { Row, Statement } from "../statement.ts";

/**
 * Settings of Postgres for the transactions of a job, by their names, as `SET LOCAL` would set them: `app.tenant`, `role`. One
 * that is undefined fails the job: it is dead, and its transaction is not opened. `undefined` or `{}` sets nothing.
 */
export type SetLocal = (job: ActiveJob) => Readonly<Record<string, string | undefined>> | undefined;

type Send<Tx> = (tx: Tx, statement: Statement) => Promise<readonly Row[]>;

/**
 * Has `fn` run with the settings of the job, given as the first statement of its transaction; `fn` itself, where there are
 * none. @throws InvalidJobError for a job that lacks one, or a name or value that cannot be
 */
export function withSettings<Tx, Result>(
  setLocal: SetLocal | undefined,
  job: ActiveJob,
  attempt: OpenAttempt,
  engine: Engine,
  send: Send<Tx>,
  fn: (tx: Tx) => Result | Promise<Result>,
): (tx: Tx) => Result | Promise<Result> {
  const settings = setLocal === undefined ? null : textOf(setLocal(job), job, attempt);
  if (settings === null) return fn;
  return async (tx) => {
    // In a test the transaction goes on after the job.
    const before = attempt.commitHere && (await send(tx, engine.currentSettings({ settings })))[0]!.settings!;
    await send(tx, engine.setLocal({ settings }));
    const result = await fn(tx);
    if (before !== undefined) await send(tx, engine.setLocal({ settings: before }));
    return result;
  };
}

/** JSON text; null for none. */
function textOf(settings: ReturnType<SetLocal>, job: ActiveJob, attempt: OpenAttempt): string | null {
  const refuse = (what: string): never => {
    throw sayingNothing(
      new InvalidJobError(`${attempt}: ${what}. Its transaction was not opened.`, job.name),
    );
  };
  if (settings === undefined) return null;
  if (typeof settings !== "object" || settings === null || !isPlainObject(settings))
    return refuse(`setLocal answered ${show(settings)}, not an object of settings and their values`);
  const entries = Object.entries(settings);
  for (const [name, value] of entries) {
    if (!/^[A-Za-z_]\w{0,62}(\.[A-Za-z_]\w{0,62})*$/.test(name))
      refuse(`setLocal answered the setting ${show(name)}, which is no name of a setting, like "app.tenant"`);
    if (value === undefined)
      refuse(
        `the setting "${name}" that setLocal answered is undefined, so the job lacks what it is made of`,
      );
    if (typeof value !== "string")
      refuse(`the setting "${name}" that setLocal answered is a ${typeof value}, not a text`);
    const issue = textIssueOf(value as string);
    if (issue !== undefined) refuse(`the setting "${name}" that setLocal answered ${issue}`);
  }
  return entries.length === 0 ? null : JSON.stringify(settings);
}

import { styleText } from "node:util";
import { defaults } from "@pillion/core";
import { type Diagnosis, diagnose, diagnoseDefaults, type Finding, type Severity } from "@pillion/core/admin";
import { Command } from "commander";
import type pg from "pg";
import { withDatabase } from "../connect.ts";
import { Failure } from "../failure.ts";

interface Options {
  readonly database?: string;
  readonly applicationDatabase?: string;
  readonly schema: string;
  readonly json?: true;
  readonly oldest?: string;
  readonly held?: string;
  readonly idle?: string;
  readonly timeout?: string;
}

const exitCodes: Readonly<Record<Severity, number>> = { info: 0, warning: 10, critical: 11 };
const colors = { critical: "red", warning: "yellow", info: "cyan" } as const;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `pillion doctor`: what is not as it should be, why it matters, and what mends it. */
export function doctorCommand(): Command {
  const seconds = (name: keyof typeof diagnoseDefaults) => `${diagnoseDefaults[name] / 1_000}s`;
  return new Command("doctor")
    .description("Look for what is not as it should be with the queue and its database. Changes nothing.")
    .option("--database <url>", "the database's URL (default: the environment variable DATABASE_URL)")
    .option(
      "--application-database <url>",
      "what your ORM is connected to, to be told whether it is the same one",
    )
    .option("--schema <name>", "the schema that holds the tables", defaults.schema)
    .option("--oldest <duration>", `how long a job may wait after its time has come (${seconds("oldestMs")})`)
    .option(
      "--held <duration>",
      `how long a transaction may keep vacuum from its work (${seconds("heldMs")})`,
    )
    .option("--idle <duration>", `how long a connection may be idle in a transaction (${seconds("idleMs")})`)
    .option("--timeout <duration>", `how long each look may take (${seconds("statementMs")})`)
    .option("--json", "answer with one JSON object")
    .addHelpText(
      "after",
      `\nDurations are written as 90s, 10m, 2h or 1d.

Exit codes, beside those that \`pillion --help\` lists:
  0   no finding, or none but of severity info
  10  the worst finding is a warning
  11  a finding is critical`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const limits = {
    oldestMs: durationOf("--oldest", options.oldest),
    heldMs: durationOf("--held", options.held),
    idleMs: durationOf("--idle", options.idle),
    statementMs: durationOf("--timeout", options.timeout),
  };
  const { schema } = options;
  const look = (database: pg.Client, applicationDatabase?: pg.Client) =>
    diagnose({ database, applicationDatabase, schema, ...limits });
  const { applicationDatabase } = options;
  const diagnosis = await withDatabase(options.database, (database) =>
    applicationDatabase === undefined
      ? look(database)
      : ofApplication(() => withDatabase(applicationDatabase, (theirs) => look(database, theirs))),
  );
  if (options.json) console.log(JSON.stringify({ schema, ...diagnosis }));
  else print(diagnosis);
  process.exitCode = diagnosis.severity === null ? 0 : exitCodes[diagnosis.severity];
}

/** Which of the two URLs it was that did not work. */
async function ofApplication<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, exitCode, message } = error;
    throw new Failure(code, exitCode, message.replace("--database", "--application-database"));
  }
}

function durationOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * unitMs[unit]!;
  throw new Failure(
    "USAGE",
    2,
    `${option} ${JSON.stringify(text)} is no duration such as 90s, 10m, 2h or 1d.`,
  );
}

function print({ findings, severity, looked, omitted }: Diagnosis): void {
  for (const finding of findings) console.log(`${textOf(finding)}\n`);
  const counts = (["critical", "warning", "info"] as const).flatMap((each) => {
    const count = findings.filter((finding) => finding.severity === each).length;
    return count === 0 ? [] : [`${count} ${each}`];
  });
  const well = severity === null || severity === "info";
  const verdict = well ? styled("green", "all is well") : styled(colors[severity], "not well");
  console.log(`${verdict}: ${looked.length} checks, ${counts.join(", ") || "no finding"}.`);
  if (omitted.length > 0) console.log(`Not looked at: ${omitted.join("; ")}.`);
}

function textOf({ severity, code, what, why, mend }: Finding): string {
  return `${styled(colors[severity], severity)} ${styled("bold", code)}
  ${line(what)}
  why:  ${why}
  mend: ${line(mend)}`;
}

/** Colour only where there is a terminal to show it. */
function styled(style: "red" | "yellow" | "cyan" | "green" | "bold", text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Names and statements are of anybody's making: what moves the cursor, or colours, is shown as an escape. */
function line(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

import { type Diagnosis, diagnose, diagnoseDefaults, type Finding, type Severity } from "@pillion/core/admin";
import type { Command } from "commander";
import type pg from "pg";
import { withDatabase } from "../connect.ts";
import { Failure } from "../failure.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { duration, line, styled } from "../output/text.ts";
import { durationOf } from "../time-option.ts";
import { type ToolSettings, toolSettings } from "../tool-settings.ts";

interface Options extends Shared {
  readonly applicationDatabase?: string;
  readonly oldest?: string;
  readonly held?: string;
  readonly idle?: string;
  readonly timeout?: string;
}

const severities = ["critical", "warning", "info"] as const;
const exitCodes: Readonly<Record<Severity, number>> = { info: 0, warning: 10, critical: 11 };
const colors = { critical: "red", warning: "yellow", info: "cyan" } as const;

/** `pillion doctor`: what is not as it should be, why it matters, and what mends it. */
export function doctorCommand(): Command {
  return databaseCommand(
    "doctor",
    "Look for what is not as it should be with the queue and its database. Changes nothing.",
  )
    .option(
      "--application-database <url>",
      "what your ORM is connected to, to be told whether it is the same one",
    )
    .option(
      "--oldest <duration>",
      `how long a job may wait after its time has come (${duration(diagnoseDefaults.oldestMs)})`,
    )
    .option(
      "--held <duration>",
      `how long a transaction may keep vacuum from its work (${duration(diagnoseDefaults.heldMs)})`,
    )
    .option(
      "--idle <duration>",
      `how long a connection may be idle in a transaction (${duration(diagnoseDefaults.idleMs)})`,
    )
    .option("--timeout <duration>", `how long each look may take (${duration(diagnoseDefaults.statementMs)})`)
    .addHelpText(
      "after",
      `\nDurations are written as 90s, 10m, 2h or 7d.

Exit codes, beside those that \`pillion --help\` lists:
  0   no finding, or none but of severity info
  10  the worst finding is a warning
  11  a finding is critical`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const limits = {
    oldestMs: limitOf("--oldest", options.oldest),
    heldMs: limitOf("--held", options.held),
    idleMs: limitOf("--idle", options.idle),
    statementMs: limitOf("--timeout", options.timeout),
  };
  const { schema } = options;
  const look = (database: pg.Client, applicationDatabase?: pg.Client) =>
    diagnose({ database, applicationDatabase, schema, ...limits });
  const { applicationDatabase } = options;
  const ofDatabase = await withDatabase(options.database, (database) =>
    applicationDatabase === undefined
      ? look(database)
      : ofApplication(() => withDatabase(applicationDatabase, (theirs) => look(database, theirs))),
  );
  const diagnosis = withSettings(ofDatabase, toolSettings(process.cwd(), schema));
  if (options.json) console.log(JSON.stringify({ schema, ...diagnosis }));
  else print(diagnosis);
  process.exitCode = diagnosis.severity === null ? 0 : exitCodes[diagnosis.severity];
}

/** With what was found in the folder in which the command runs. */
function withSettings(diagnosis: Diagnosis, settings: ToolSettings): Diagnosis {
  if (!settings.found) return diagnosis;
  const all = [...diagnosis.findings, ...settings.findings];
  const findings = severities.flatMap((severity) => all.filter((finding) => finding.severity === severity));
  const looked = [...diagnosis.looked, "the settings of migration tools"];
  return { ...diagnosis, findings, severity: findings[0]?.severity ?? null, looked };
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

function limitOf(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : Math.round(durationOf(text, option));
}

function print({ findings, severity, looked, omitted }: Diagnosis): void {
  for (const finding of findings) console.log(`${textOf(finding)}\n`);
  const counts = severities.flatMap((each) => {
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

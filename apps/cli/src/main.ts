#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { doctorCommand } from "./commands/doctor.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { exitCodes, report } from "./failure.ts";

const { version, description } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { version: string; description: string };

const program = new Command("pillion")
  .description(description)
  .version(version)
  .addCommand(migrateCommand())
  .addCommand(doctorCommand())
  .addHelpText("after", () => `\n${exitCodes}`);

for (const command of [program, ...program.commands])
  command.exitOverride().configureOutput({ outputError: () => {} });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, { json: process.argv.includes("--json") });
}

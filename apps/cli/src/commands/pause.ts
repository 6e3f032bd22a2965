import { sqlStateOf } from "@pillion/core";
import type { Admin } from "@pillion/core/admin";
import type { Command } from "commander";
import { withAdmin } from "../connect.ts";
import { databaseCommand, type Shared } from "../options.ts";
import { jobs, line, styled } from "../output/text.ts";

/** `pillion pause <queue>`: what runs goes on, what waits waits. */
export function pauseCommand(): Command {
  return databaseCommand("pause", "Have no further job of a queue started. What runs goes on.")
    .argument("<queue>")
    .action((queue: string, options: Shared) => change("pause", queue, options));
}

/** `pillion resume <queue>`. */
export function resumeCommand(): Command {
  return databaseCommand("resume", "End the pause of a queue.")
    .argument("<queue>")
    .action((queue: string, options: Shared) => change("resume", queue, options));
}

async function change(verb: "pause" | "resume", queue: string, options: Shared): Promise<void> {
  await withAdmin(options, async (admin) => {
    // Before it is paused, which makes it known.
    const known = await queueOf(admin, queue);
    const { changed } = await admin[verb](queue);
    if (options.json) return console.log(JSON.stringify({ queue, changed }));
    const name = `queue "${line(queue)}"`;
    const said =
      verb === "pause"
        ? changed
          ? `${name} is paused${known ? `: ${jobs(known.ready)} wait, ${jobs(known.running)} run to their end` : ""}.`
          : `${name} was paused already.`
        : changed
          ? `${name} goes on.`
          : `${name} was not paused.`;
    console.log(`${styled("green", "done:")} ${said}`);
    if (known === null)
      console.error(
        `note: ${name} has neither jobs nor workers nor settings at the moment. Is the name right? \`pillion status\` lists them.`,
      );
  });
}

/** Null where nobody has used a queue of this name; undefined where the role may not look. */
async function queueOf(admin: Admin, name: string) {
  try {
    return (await admin.queues()).find((queue) => queue.name === name) ?? null;
  } catch (error) {
    if (sqlStateOf(error) === "42501") return undefined;
    throw error;
  }
}

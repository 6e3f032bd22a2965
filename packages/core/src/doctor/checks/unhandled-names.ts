import { commandOn } from "../../postgres/schema-error.ts";
import { unhandled } from "../../postgres/unhandled.ts";
import { argument, count } from "../figures.ts";
import type { Check } from "../patient.ts";

/** Of all queues together; what nobody takes is what stays in front. */
const jobsLookedAt = 4_000;

/** Job types that wait and that no living worker has a handler for. */
export const unhandledNamesCheck: Check = {
  name: "names that nobody handles",
  needs: "workers",
  async look({ read, schema }) {
    const rows = await read(unhandled(schema), { limit: jobsLookedAt });
    return rows.slice(0, 20).map(({ queue, name, jobs }) => ({
      code: "NAME_UNHANDLED",
      severity: "warning",
      what: `${count(jobs)} ${jobs === "1" ? "job" : "jobs"} "${name}" of the ${count(jobsLookedAt)} that are first in line ${jobs === "1" ? "waits" : "wait"} in queue "${queue}"; no running worker handles ${jobs === "1" ? "it" : "them"} there.`,
      why: "They wait for ever: a name was changed while jobs of it waited, a worker runs old code, or none runs with that queue.",
      mend: `Add the handler to a worker that runs queue "${queue}"; or, where they are of no use: ${commandOn(schema.name, `cancel --name ${argument(name!)} --queue ${argument(queue!)}`)}`,
    }));
  },
};

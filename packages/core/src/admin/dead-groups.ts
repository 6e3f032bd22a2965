import { limits } from "../defaults.ts";
import { InvalidRequestError } from "../errors.ts";
import { nameIssueOf } from "../job/names.ts";
import { show } from "../show.ts";
import type { Link } from "../worker/link.ts";
import type { ErrorRecord } from "./job-record.ts";

/** Dead jobs of one type and queue whose errors are alike: numbers and ids in the message do not tell them apart. */
export interface DeadGroup {
  /** The same for as long as the errors are alike. */
  readonly key: string;
  readonly name: string;
  readonly queue: string;
  /** How many, among the jobs that were looked at. */
  readonly count: number;
  /** Of the newest one. */
  readonly error: ErrorRecord | null;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The newest first. */
  readonly ids: readonly string[];
}

/** Why jobs are dead. */
export interface DeadGroups {
  /** Those with the most jobs first; at most 200. */
  readonly groups: readonly DeadGroup[];
  /** How many dead jobs are in groups: the newest, 10,000 at most; of one queue or name those among the newest 50,000. */
  readonly looked: number;
  /** True: there are older dead jobs, which were not looked at. */
  readonly more: boolean;
}

/** Which dead jobs to look at. */
export interface DeadGroupsOptions {
  /** The queue that they are in. */
  readonly queue?: string | undefined;
  /** The name of their type. */
  readonly name?: string | undefined;
  /** One group alone. */
  readonly key?: string | undefined;
  /** How many ids of each group, 0 to 10,000; default 5. */
  readonly ids?: number | undefined;
}

/** Looks at dead jobs. */
export interface DeadVerbs {
  /** The newest dead jobs by the errors that ended them. @throws InvalidRequestError */
  deadGroups(options?: DeadGroupsOptions): Promise<DeadGroups>;
}

export function deadVerbs(link: Link): DeadVerbs {
  return {
    async deadGroups({ queue, name, key, ids = 5 } = {}) {
      const refuse = (what: string, issue: string | undefined) => {
        if (issue !== undefined) throw new InvalidRequestError(`deadGroups: ${what} ${issue}.`);
      };
      if (queue !== undefined) refuse("queue", nameIssueOf(queue));
      if (name !== undefined) refuse("name", nameIssueOf(name));
      if (key !== undefined && !(typeof key === "string" && /^[0-9a-f]{64}$/.test(key)))
        refuse("key", `is ${show(key)}, not the key of a group`);
      if (!(Number.isInteger(ids) && ids >= 0 && ids <= limits.changedJobs))
        refuse("ids", `is ${show(ids)}, not a whole number from 0 to ${limits.changedJobs}`);
      const [row] = await link.run(link.engine.deadGroups, {
        queue: queue ?? null,
        name: name ?? null,
        key: key ?? null,
        ids,
      });
      return {
        looked: Number(row!.looked),
        more: row!.more === "true",
        groups: JSON.parse(row!.groups!).map((group: Record<"firstAt" | "lastAt", string>) => ({
          ...group,
          firstAt: new Date(group.firstAt),
          lastAt: new Date(group.lastAt),
        })),
      };
    },
  };
}

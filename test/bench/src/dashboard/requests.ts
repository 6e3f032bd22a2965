import { type Crowd, common, completedId, deadId, keyed, rare, schedules } from "./crowd.ts";

/** One kind of request that the board's page makes. */
export interface Request {
  /** The page of the board, as its navigation names it. */
  readonly page: string;
  /** What is asked there. */
  readonly what: string;
  /** The address below the mount; another one of its kind for each share from 0 to 1. */
  readonly path: (share: number) => string;
}

/** Every page of the board, and each filter of its lists: singly, and where what is looked for is rare, old, or not there. */
export function requestsOf(crowd: Crowd): readonly Request[] {
  const { first, dead, completed } = crowd;
  const ended = (share: number) => completedId(crowd, 1 + Math.floor(share * (completed - 1)));
  const jobs = (what: string, query: Readonly<Record<string, string>>): Request => ({
    page: "jobs",
    what,
    path: () => `api/jobs?${new URLSearchParams(query)}`,
  });
  const deep = (what: string, query: Readonly<Record<string, string>>): Request => ({
    page: "jobs",
    what: `${what}, further back`,
    path: (share) =>
      `api/jobs?${new URLSearchParams({ ...query, before: String(Math.floor(share * first.children) + 1) })}`,
  });
  const job = (what: string, id: (share: number) => number, values = ""): Request => ({
    page: "job",
    what,
    path: (share) => `api/jobs/${id(share)}${values}`,
  });
  const tenant = (name: string) => JSON.stringify({ tenant: name });
  const states = ["scheduled", "ready", "running", "completed", "dead", "cancelled"];
  const filters: readonly (readonly [what: string, query: Readonly<Record<string, string>>])[] = [
    ["all", {}],
    ...states.map((state) => [state, { state }] as const),
    ["a queue", { queue: common.queue }],
    ["a rare queue", { queue: rare.queue }],
    ["a name", { name: common.name }],
    ["a rare name", { name: rare.name }],
    ["a name that nobody has", { name: "nobody" }],
    ["a header", { headers: tenant(common.tenant) }],
    ["a rare header", { headers: tenant(rare.tenant) }],
    ["a unique key", { uniqueKey: `order ${first.ready - (first.ready % 5)}` }],
    ["an old unique key", { uniqueKey: rare.key }],
    ["a partition key", { partitionKey: keyed.key }],
    ["a partition key that nobody has", { partitionKey: "nobody" }],
    ["dead of a rare name", { state: "dead", name: rare.name }],
    ["dead of a rare queue", { state: "dead", queue: rare.queue }],
    ["dead of a header", { state: "dead", headers: tenant(common.tenant) }],
    ["dead of a queue that has none", { state: "dead", queue: keyed.queue }],
    ["ready of a rare name", { state: "ready", name: rare.name }],
    ["scheduled of a queue that has none", { state: "scheduled", queue: keyed.queue }],
    ["running of a rare queue and name", { state: "running", queue: rare.queue, name: rare.name }],
    ["all of it at once", { queue: common.queue, name: common.name, headers: tenant(common.tenant) }],
  ];
  return [
    ...[5, 15, 60, 360, 1_440].map((minutes) => ({
      page: "overview",
      what: `${minutes} minutes`,
      path: () => `api/overview?minutes=${minutes}`,
    })),
    { page: "queues", what: "all", path: () => "api/queues" },
    ...filters.map(([what, query]) => jobs(what, query)),
    ...filters.map(([what, query]) => deep(what, query)),
    job("completed", ended),
    job("dead, with its attempts", (share) => deadId(crowd, 1 + Math.floor(share * (dead - 1)))),
    job("ready", (share) => first.ready + Math.floor(share * 1_000)),
    job("scheduled", (share) => first.scheduled + Math.floor(share * 1_000)),
    job("running", (share) => first.running + Math.floor(share * (first.children - first.running - 1))),
    job("with very many children", () => completedId(crowd, completed)),
    job("none", () => 1),
    job("its values", ended, "/values"),
    { page: "dead", what: "all", path: () => "api/dead" },
    { page: "dead", what: "a queue", path: () => `api/dead?queue=${encodeURIComponent(common.queue)}` },
    { page: "dead", what: "a rare queue", path: () => `api/dead?queue=${rare.queue}` },
    { page: "dead", what: "a rare name", path: () => `api/dead?name=${rare.name}` },
    { page: "dead", what: "a name that nobody has", path: () => "api/dead?name=nobody" },
    { page: "schedules", what: "the first", path: () => "api/schedules" },
    {
      page: "schedules",
      what: "a later page",
      path: (share) => `api/schedules?after=${encodeURIComponent(schedule(share))}`,
    },
    {
      page: "schedules",
      what: "the values of one",
      path: (share) => `api/schedules/values?name=${encodeURIComponent(schedule(share))}`,
    },
    { page: "workers", what: "all", path: () => "api/workers" },
    { page: "doctor", what: "all", path: () => "api/doctor" },
  ];
}

function schedule(share: number): string {
  return `schedule ${String(1 + Math.floor(share * (schedules - 1))).padStart(5, "0")}`;
}

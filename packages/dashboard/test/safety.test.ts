import { createAdmin } from "@pillion/core/admin";
import { expect, test } from "vitest";
import { boardHeader, mostBodyBytes } from "../src/api.ts";
import { dashboard } from "../src/index.ts";
import { assetPaths } from "../src/page.ts";
import { routes } from "../src/routes.ts";
import { change, testBoard } from "./board.ts";

/** A right body for each action: with it only what is tested can be in the way. */
const right: Readonly<Record<string, unknown>> = {
  retry: { filter: { state: ["dead"] } },
  cancel: { filter: { queue: "default" } },
  reschedule: { filter: { queue: "default" }, delayMs: 0 },
  redrive: {},
  purge: { queue: "default" },
  "pause-queue": { queue: "default" },
  "resume-queue": { queue: "default" },
  "set-queue": { queue: "default", settings: { concurrency: 1 } },
  "pause-schedule": { name: "nightly" },
  "resume-schedule": { name: "nightly" },
  "run-schedule": { name: "nightly" },
};

/** Every request that the board knows: its table of routes, its files, its pages; and what it does not know. */
const requests: readonly (readonly [path: string, init: RequestInit])[] = [
  ...routes.map(({ method, path }) => {
    const body = JSON.stringify(right[path.replace("api/actions/", "")]);
    return [path.replace(":id", "1"), method === "GET" ? {} : { ...change, body }] as const;
  }),
  ...["", ".", "queues", "jobs", "jobs/1", "dead", "schedules", "workers", "doctor", "nothing"].map(
    (page) => [page, {}] as const,
  ),
  ...[...assetPaths, "assets/nothing.js"].map((path) => [path, {}] as const),
  ["api", {}],
  ["api/nothing", {}],
  ["api/actions/nothing", change],
  ["../../elsewhere", {}],
];
const actions = requests.filter(([path]) => path.startsWith("api/actions/") && !path.endsWith("nothing"));

test("nobody gets anything whom authorize does not let in: every route, page and file, and what is none, answers 401", async () => {
  expect(actions.map(([path]) => path.replace("api/actions/", ""))).toEqual(Object.keys(right));
  expect(assetPaths.length).toBeGreaterThan(0);
  const queue = await testBoard();
  for (const answer of [false, undefined, null, "yes" as never, 1 as never, [] as never]) {
    const board = queue.with({ authorize: () => answer });
    for (const [path, init] of requests)
      for (const method of [init.method ?? "GET", "OPTIONS", "DELETE"]) {
        const { status, body, headers } = await board.ask(path, {
          ...init,
          method,
          ...(method !== "POST" && { body: null }),
        });
        expect([path, method, status, body?.code]).toEqual([path, method, 401, "UNAUTHORIZED"]);
        expect(headers.get("content-type")).toBe("application/problem+json");
      }
    expect(board.statements).toEqual([]);
  }
  const broken = queue.with({
    authorize: () => Promise.reject(new Error("no such table: user_secret")),
  });
  for (const [path, init] of requests) {
    const { status, text } = await broken.ask(path, init);
    expect([path, status, text.includes("user_secret")]).toEqual([path, 500, false]);
  }
  expect(() => dashboard({ admin: broken.admin } as never)).toThrow(/authorize/);
});

test("every answer forbids scripts and styles of others, frames, and being kept, but for files that never change", async () => {
  const board = await testBoard();
  for (const [path, init] of requests) {
    const { headers, status } = await board.ask(path, init);
    const policy = headers.get("content-security-policy")!;
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("date")).not.toBeNull();
    const kept = assetPaths.includes(path) ? "private, max-age=31536000, immutable" : "no-store";
    expect([path, headers.get("cache-control")]).toEqual([path, kept]);
    const unknown = /nothing|elsewhere|^api$|jobs\/1|schedule/.test(path);
    if (!unknown) expect([path, status]).toEqual([path, 200]);
  }
  const { text } = await board.get("");
  expect(text).toMatch(/<base href="\/admin\/jobs\/" ?\/?>/);
  expect(text).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\/(?!www\.w3\.org)/);
});

test("a read-only board, or viewer, changes nothing: every action answers 403", async () => {
  const queue = await testBoard();
  for (const options of [{ readOnly: true }, { authorize: () => ({ readOnly: true, name: "ada" }) }]) {
    const board = queue.with(options);
    const id = await board.add("story");
    expect((await board.get("api/board")).body.readOnly).toBe(true);
    board.statements.length = 0;
    for (const [path, init] of actions) {
      const { status, body } = await board.ask(path, init);
      expect([path, status, body.code]).toEqual([path, 403, "READ_ONLY"]);
    }
    expect(board.statements).toEqual([]);
    expect((await board.get(`api/jobs/${id}`)).body.job.state).toBe("ready");
  }
  // A viewer cannot be given more than the board has.
  const board = queue.with({ readOnly: true, authorize: () => ({ readOnly: false }) });
  expect((await board.act("purge", right.purge)).status).toBe(403);
});

test("a change that another site asks for answers 403, whichever sign tells it", async () => {
  const board = await testBoard({ origins: ["https://outer.example"] });
  const { [boardHeader]: _, ...plain } = change.headers;
  const { origin: __, "sec-fetch-site": ___, ...silent } = change.headers;
  const foreign: readonly Record<string, string>[] = [
    plain,
    silent,
    { ...change.headers, "sec-fetch-site": "cross-site" },
    { ...change.headers, "sec-fetch-site": "same-site" },
    { ...change.headers, "sec-fetch-site": "none" },
    { ...change.headers, origin: "https://evil.example" },
    { ...change.headers, origin: "https://shop.example:8443" },
    { ...change.headers, origin: "null" },
    { ...silent, origin: "http://shop.example" },
    { ...change.headers, host: "inner.example", origin: "https://evil.example" },
    // Nobody vouches for the scheme.
    { ...silent, host: "outside.example", origin: "http://outside.example" },
  ];
  for (const [path, init] of actions)
    for (const headers of foreign) {
      const { status, body } = await board.ask(path, { ...init, headers });
      expect([path, headers, status, body.code]).toEqual([path, headers, 403, "CROSS_SITE"]);
    }
  expect(board.statements).toEqual([]);
  const own: readonly Record<string, string>[] = [
    change.headers,
    { ...silent, origin: "https://shop.example" },
    { ...silent, "sec-fetch-site": "same-origin" },
    { ...change.headers, origin: "https://outer.example" },
    // Asked by another name than the server says, as in Next.js, or behind a proxy that ends TLS.
    { ...silent, host: "outside.example:8443", origin: "https://outside.example:8443" },
    { ...change.headers, host: "outside.example", origin: "http://outside.example" },
  ];
  for (const headers of own) {
    const { status } = await board.ask("api/actions/purge", {
      ...change,
      headers,
      body: JSON.stringify(right.purge),
    });
    expect([headers, status]).toEqual([headers, 200]);
  }
});

test("a body that is not JSON, too large, or not what the action takes changes nothing and says why", async () => {
  const board = await testBoard();
  const id = await board.add("story");
  const post = (name: string, body: RequestInit["body"], headers = {}) =>
    board.ask(`api/actions/${name}`, { ...change, headers: { ...change.headers, ...headers }, body: body! });
  const large = JSON.stringify({ queue: "x".repeat(mostBodyBytes) });
  const stream = () => new Blob([large]).stream();
  for (const [answer, status, code] of [
    [
      await post("purge", "queue=default", { "content-type": "application/x-www-form-urlencoded" }),
      415,
      "NOT_JSON",
    ],
    [await post("purge", '{"queue":"default"}', { "content-type": "text/plain" }), 415, "NOT_JSON"],
    [await post("purge", "{"), 400, "NOT_JSON"],
    [await post("purge", ""), 400, "NOT_JSON"],
    [await post("purge", "[]"), 400, "INVALID_REQUEST"],
    [await post("purge", "null"), 400, "INVALID_REQUEST"],
    [await post("purge", large), 413, "TOO_LARGE"],
    [
      await board.ask("api/actions/purge", { ...change, body: stream(), duplex: "half" } as RequestInit),
      413,
      "TOO_LARGE",
    ],
  ] as const)
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  const wrong: readonly [string, unknown][] = [
    ["retry", {}],
    ["retry", { ids: [] }],
    ["retry", { ids: ["1; drop"] }],
    ["retry", { ids: [1] }],
    ["retry", { ids: ["1"], filter: { queue: "a" } }],
    ["retry", { filter: {} }],
    ["cancel", { filter: { after: "1", queue: "default" } }],
    ["cancel", { filter: { queue: "default" }, dryRun: "yes" }],
    ["cancel", { filter: { queue: "default" }, force: true }],
    ["cancel", { filter: { state: ["lost"] } }],
    ["cancel", { filter: { name: { toString: "x" } } }],
    ["reschedule", { ids: [id] }],
    ["reschedule", { ids: [id], delayMs: -1 }],
    ["reschedule", { ids: [id], delayMs: 1, runAt: "2030-01-01T00:00:00Z" }],
    ["reschedule", { ids: [id], runAt: "tomorrow" }],
    ["redrive", { group: "x" }],
    ["redrive", { filter: { state: ["ready"] } }],
    ["redrive", { group: "0".repeat(64), filter: {} }],
    ["purge", { queue: "" }],
    ["purge", { queue: "\u0000" }],
    ["pause-queue", {}],
    ["set-queue", { queue: "default", settings: { concurrency: 0 } }],
    ["set-queue", { queue: "default", settings: { toString: 1 } }],
    ["run-schedule", { name: 7 }],
  ];
  for (const [name, body] of wrong) {
    const answer = await board.act(name, body);
    expect([name, body, answer.status, answer.body.code]).toEqual([name, body, 400, "INVALID_REQUEST"]);
    expect(answer.body).toEqual({
      type: "about:blank",
      title: expect.any(String),
      status: 400,
      detail: expect.stringMatching(/\S/),
      code: "INVALID_REQUEST",
    });
  }
  expect((await board.get(`api/jobs/${id}`)).body.job.state).toBe("ready");
  expect(board.log).toEqual([]);
});

test("what is asked for wrongly, or is not there, is told from what is", async () => {
  const board = await testBoard();
  const expected: readonly [path: string, status: number, code: string][] = [
    ["api/jobs/7", 404, "NO_SUCH_JOB"],
    ["api/jobs/7/values", 404, "NO_SUCH_JOB"],
    ["api/jobs/1e3", 400, "INVALID_REQUEST"],
    ["api/jobs/%27%20or%201", 400, "INVALID_REQUEST"],
    ["api/jobs/:id", 400, "INVALID_REQUEST"],
    ["api/jobs/7/", 404, "NOT_FOUND"],
    ["api/jobs/%zz", 404, "NOT_FOUND"],
    ["api/toString", 404, "NOT_FOUND"],
    ["api/actions/__proto__", 404, "NOT_FOUND"],
    ["api/actions/retry", 405, "METHOD_NOT_ALLOWED"],
    ["assets/__proto__", 404, "NOT_FOUND"],
    ["assets/..%2f..%2fpackage.json", 404, "NOT_FOUND"],
    ["api/jobs?state=lost", 400, "INVALID_REQUEST"],
    ["api/jobs?queue=a&queue=b", 400, "INVALID_REQUEST"],
    ["api/jobs?queue=", 400, "INVALID_REQUEST"],
    ["api/jobs?sort=name", 400, "INVALID_REQUEST"],
    ["api/jobs?__proto__=x", 400, "INVALID_REQUEST"],
    ["api/jobs?headers=%7B", 400, "INVALID_REQUEST"],
    ["api/jobs?headers=7", 400, "INVALID_REQUEST"],
    ["api/jobs?ids=1,x", 400, "INVALID_REQUEST"],
    ["api/jobs?limit=0", 400, "INVALID_REQUEST"],
    ["api/jobs?limit=201", 400, "INVALID_REQUEST"],
    ["api/jobs?before=x", 400, "INVALID_REQUEST"],
    ["api/jobs?name=a&before=x", 400, "INVALID_REQUEST"],
    ["api/throughput?minutes=0", 400, "INVALID_REQUEST"],
    ["api/throughput?minutes=1440&bucketSeconds=1", 400, "INVALID_REQUEST"],
    ["api/overview?queue=a", 400, "INVALID_REQUEST"],
    ["api/dead?name=", 400, "INVALID_REQUEST"],
    ["api/schedules/values?name=nothing", 404, "NO_SUCH_SCHEDULE"],
  ];
  for (const [path, status, code] of expected) {
    const answer = await board.get(path);
    expect([path, answer.status, answer.body?.code]).toEqual([path, status, code]);
  }
  for (const name of ["pause-schedule", "resume-schedule", "run-schedule"])
    expect((await board.act(name, { name: "nothing" })).body.code).toBe("NO_SUCH_SCHEDULE");
  expect((await board.act("redrive", { group: "0".repeat(64) })).body.code).toBe("NO_SUCH_GROUP");
  const { status, headers } = await board.ask("api/queues", { ...change, body: "{}" });
  expect([status, headers.get("allow")]).toEqual([405, "GET"]);
  expect((await board.ask("api/queues", { method: "HEAD" })).status).toBe(200);
  expect([(await board.get("")).status, (await board.get("nothing")).status]).toEqual([200, 404]);
  expect(board.log).toEqual([]);
});

test("values are shown to nobody where the board or authorize says so", async () => {
  const queue = await testBoard();
  for (const options of [{ values: false }, { authorize: () => ({ values: false }) }]) {
    const board = queue.with(options);
    const id = await board.add("story", { card: "s3cret" });
    for (const path of [`api/jobs/${id}/values`, "api/schedules/values?name=nightly"]) {
      const { status, body } = await board.get(path);
      expect([path, status, body.code]).toEqual([path, 403, "VALUES_FORBIDDEN"]);
    }
    expect((await board.get("api/board")).body.values).toBe(false);
  }
});

test("a database that is away, or has no schema, is told as such, without its address or its password", async () => {
  const queue = await testBoard();
  const { url } = queue;
  const closed = new URL(url);
  closed.port = "1";
  closed.password = "s3cret";
  for (const [database, schema, code] of [
    [closed.href, "pillion", "DATABASE_AWAY"],
    [url, "not_there", "SCHEMA_OUTDATED"],
  ] as const) {
    const admin = createAdmin({ database, schema });
    const board = queue.with({ admin });
    for (const [path, init] of requests) {
      if (!path.startsWith("api/") || /nothing|api\/board|api\/doctor/.test(path)) continue;
      const { status, body, text, headers } = await board.ask(path, init);
      expect([path, status, body.code]).toEqual([path, 503, code]);
      expect(text).not.toMatch(/s3cret|127\.0\.0\.1|ECONN/);
      expect(headers.get("retry-after")).toBe(code === "DATABASE_AWAY" ? "2" : null);
    }
    expect(board.log.length).toBeGreaterThan(0);
    expect(board.log.join()).not.toContain("s3cret");
    await admin.close();
  }
});

test("what is encrypted is not shown, by itself or inside what children answered; nor is more than a page can hold", async () => {
  const board = await testBoard();
  const sealed = { "pillion.key": "k1", "pillion.encrypted": "c2VjcmV0" };
  const id = await board.add("story", sealed);
  const { text, body } = await board.get(`api/jobs/${id}/values`);
  expect(body.payload).toEqual({ kind: "encrypted", keyId: "k1" });
  expect(text).not.toContain("c2VjcmV0");
  const within = await board.add("story", { list: [{ deep: sealed }], html: "<script>alert(1)</script>" });
  const inside = await board.get(`api/jobs/${within}/values`);
  expect(inside.text).not.toContain("c2VjcmV0");
  expect(inside.body.payload.text).toContain("encrypted with key k1");
  expect(inside.headers.get("content-type")).toBe("application/json");
  // 300 levels, with line breaks and indents between a hundred thousand numbers, would be 60 MB.
  const deep = `${"[".repeat(300)}${"7,".repeat(99_999)}7${"]".repeat(300)}`;
  const large = await board.add("story", JSON.parse(deep));
  const { payload } = (await board.get(`api/jobs/${large}/values`)).body;
  expect([payload.text.length, payload.cut]).toEqual([65_536, true]);
});

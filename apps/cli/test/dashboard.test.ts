import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { expect, inject, onTestFinished, test } from "vitest";
import { pillion, start } from "./pillion.ts";
import { ownQueue } from "./seeded.ts";

/** Starts the board, and answers what it has said by the time at which it listens. */
async function started(...args: string[]) {
  const board = await start(["dashboard", "--port", "0", ...args]);
  onTestFinished(() => void board.child.kill("SIGKILL"));
  while (!board.said.stdout.includes("\n"))
    if (board.child.exitCode !== null) throw new Error(board.said.stderr);
    else await new Promise((resolve) => setTimeout(resolve, 20));
  const url = new URL(/http:\/\/[^\s"]+/.exec(board.said.stdout)![0]);
  return { ...board, url };
}
const get = (url: URL | string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, redirect: "manual" });

test("pillion dashboard prints an address that lets in its first visitor, and nobody else, until Ctrl-C", async () => {
  const { place } = await ownQueue();
  const { child, said, ended, url } = await started(...place);
  expect(said.stdout.replace(url.href, "<url>")).toMatchInlineSnapshot(`
    "The board is at <url>
    This address works once: whoever opens it first is let in. Ctrl-C ends the board.
    "
  `);
  expect(url.hostname).toBe("127.0.0.1");
  const token = url.searchParams.get("token")!;
  expect(token.length).toBeGreaterThanOrEqual(43);
  const at = (path: string) => new URL(path, url.origin);

  expect((await get(at("/"))).status).toBe(401);
  expect((await get(at("/api/queues"))).status).toBe(401);
  expect((await get(at("/?token=wrong"))).status).toBe(401);
  // What looks at an address before its reader does, does not use it up.
  expect((await fetch(url, { method: "HEAD", redirect: "manual" })).status).toBe(401);
  const entered = await get(url);
  expect([entered.status, entered.headers.get("location"), await entered.text()]).toEqual([303, "/", ""]);
  const cookie = entered.headers.get("set-cookie")!;
  expect(cookie).toMatch(/^pillion_board_\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
  expect(cookie).not.toContain(token);
  expect((await get(url)).status).toBe(401);
  const inside = { cookie: `other=1; ${cookie.split(";")[0]}` };
  // The address in a bookmark leads on, for who is in.
  expect((await get(url, inside)).headers.get("location")).toBe("/");
  const page = await get(at("/"), inside);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(await page.text()).not.toContain(token);
  const { queues } = (await (await get(at("/api/queues"), inside)).json()) as { queues: unknown[] };
  expect(queues.length).toBeGreaterThan(0);
  expect((await get(at("/api/queues"), { cookie: `${cookie.split("=")[0]}=${"x".repeat(43)}` })).status).toBe(
    401,
  );

  const change = (headers: Record<string, string>) =>
    fetch(at("/api/actions/pause-queue"), {
      method: "POST",
      headers: { ...inside, "content-type": "application/json", ...headers },
      body: '{"queue":"mail"}',
    });
  expect((await change({ "x-pillion-board": "1", origin: "http://evil.example" })).status).toBe(403);
  expect((await change({ "x-pillion-board": "1", origin: url.origin })).status).toBe(200);

  child.kill("SIGINT");
  const { exitCode, stderr, stdout } = await ended;
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout.split(token)).toHaveLength(2);
});

test("pillion dashboard --read-only changes nothing, and answers to no other name", async () => {
  const { place } = await ownQueue();
  const { said, url } = await started("--read-only", "--json", ...place);
  expect(JSON.parse(said.stdout)).toEqual({ url: url.href, readOnly: true });
  const cookie = (await get(url)).headers.get("set-cookie")!.split(";")[0]!;
  const answer = await fetch(new URL("/api/actions/pause-queue", url.origin), {
    method: "POST",
    headers: { cookie, origin: url.origin, "x-pillion-board": "1", "content-type": "application/json" },
    body: '{"queue":"mail"}',
  });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, "READ_ONLY"]);
  // A name of somebody else's that leads to this machine.
  const asked = request(url.origin, { headers: { cookie, host: `evil.example:${url.port}` } });
  asked.end();
  const [elsewhere] = (await once(asked, "response")) as [IncomingMessage];
  expect(elsewhere.resume().statusCode).toBe(403);
});

test("pillion dashboard says what is in its way, and serves nothing", async () => {
  const { place } = await ownQueue();
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void busy.close());
  const { port } = busy.address() as { port: number };
  const run = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await pillion(["dashboard", ...args]);
    return `${exitCode} ${stdout}${stderr}`.replaceAll(String(port), "<port>").trim();
  };
  expect(await run("--port", String(port), ...place)).toMatchInlineSnapshot(
    `"1 error: Cannot listen on 127.0.0.1, port <port>: something listens there already. Pass another --port, or --port 0 for any that is free."`,
  );
  expect(await run("--port", "http", ...place)).toMatchInlineSnapshot(
    `"2 error: --port http is no port: 0 to 65535."`,
  );
  expect(await run("--host", "0.0.0.0", ...place)).toMatchInlineSnapshot(
    `"2 error: --host 0.0.0.0 may be reached from other machines, and what is sent is not encrypted. Pass --allow-remote too, or mount the board in your application, behind its sign-in: docs/dashboard.md."`,
  );
  expect(await run("--database", "postgres://127.0.0.1:1/none")).toMatchInlineSnapshot(
    `"3 error: Cannot connect to the database at 127.0.0.1:1/none: nobody listens there. Is the server running, and is the port right?"`,
  );
  expect(await run("--database", inject("databaseUrl"), "--schema", "not_there")).toMatchInlineSnapshot(
    `"4 error: The schema "not_there" of this database is missing or does not fit this release of Pillion (SQLSTATE 42P01). Run: npx pillion migrate --schema "not_there""`,
  );
});

import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { migrate } from "@pillion/core/migrate";
import { scratchDatabase } from "@pillion/dev-postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { board, inExpress, inHono, type User } from "./docs/dashboard.ts";

// The board where the page on it says that it can be mounted, asked over HTTP.

const someone: User = { email: "ann@shop.example", admin: true, support: false };

async function mountable() {
  const database = await scratchDatabase(inject("databaseUrl"), "mounts");
  onTestFinished(() => database.drop());
  await migrate({ database: database.url });
  return board(database.url, async ({ headers }) => (headers.get("x-user") === "ann" ? someone : undefined));
}

interface Server {
  address(): unknown;
  close(done: () => void): unknown;
}

async function served(listen: (ready: () => void) => Server): Promise<string> {
  let server!: Server;
  await new Promise<void>((ready) => {
    server = listen(ready);
  });
  onTestFinished(() => new Promise<void>((done) => void server.close(done)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/jobs`;
}

const servers = {
  async Hono() {
    const app = inHono(await mountable());
    return served((ready) => serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ready));
  },
  async Express() {
    const app = inExpress(await mountable());
    return served((ready) => app.listen(0, "127.0.0.1", () => ready()));
  },
};

test.each(Object.entries(servers))(
  "mounted in %s, the board answers its page, its looks and its actions to whom it lets in",
  async (_, start) => {
    const base = await start();
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${base}${path}`, { ...init, headers: { "x-user": "ann", ...init.headers } });
    expect((await fetch(base)).status).toBe(401);
    const page = await ask("");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).toContain('<base href="/admin/jobs/"');
    expect(await (await ask("/api/queues")).json()).toMatchObject({ queues: [] });
    const change = (headers: Record<string, string>) =>
      ask("/api/actions/pause-queue", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ queue: "mail" }),
      });
    expect((await change({})).status).toBe(403);
    const own = { origin: new URL(base).origin, "x-pillion-board": "1" };
    expect(await (await change(own)).json()).toEqual({ changed: true });
  },
);

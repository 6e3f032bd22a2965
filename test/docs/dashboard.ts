import { getRequestListener } from "@hono/node-server";
import { createAdmin } from "@pillion/core/admin";
import { dashboard } from "@pillion/dashboard";
import express from "express";
import { Hono } from "hono";

export interface User {
  readonly email: string;
  readonly admin: boolean;
  readonly support: boolean;
}

export function board(databaseUrl: string, userOf: (request: Request) => Promise<User | undefined>) {
  const board = dashboard({
    admin: createAdmin({ database: databaseUrl }),
    basePath: "/admin/jobs",
    authorize: async (request) => {
      const user = await userOf(request);
      if (!user?.admin && !user?.support) return false;
      return { name: user.email, readOnly: !user.admin, values: user.admin };
    },
  });

  return board;
}

export function inHono(board: (request: Request) => Promise<Response>) {
  const app = new Hono();
  app.all("/admin/jobs", (context) => board(context.req.raw));
  app.all("/admin/jobs/*", (context) => board(context.req.raw));
  return app;
}

export function inExpress(board: (request: Request) => Promise<Response>) {
  const app = express();
  const listener = getRequestListener(board);
  // `all` leaves the path whole, as `use` does not; and before anything that reads bodies.
  app.all(["/admin/jobs", "/admin/jobs/*rest"], (request, response) => void listener(request, response));
  app.use(express.json());
  return app;
}

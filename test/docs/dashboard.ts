import { createAdmin } from "@pillion/core/admin";
import { dashboard } from "@pillion/dashboard";
import { Hono } from "hono";

declare function userOf(
  request: Request,
): Promise<{ email: string; admin: boolean; support: boolean } | undefined>;

export function mounted(databaseUrl: string) {
  const board = dashboard({
    admin: createAdmin({ database: databaseUrl }),
    basePath: "/admin/jobs",
    authorize: async (request) => {
      const user = await userOf(request);
      if (!user?.admin && !user?.support) return false;
      return { name: user.email, readOnly: !user.admin, values: user.admin };
    },
  });

  const app = new Hono();
  app.all("/admin/jobs", (context) => board(context.req.raw));
  app.all("/admin/jobs/*", (context) => board(context.req.raw));

  return { app, board, GET: board, POST: board };
}

import { createAdmin } from "@pillion/core/admin";
import { type Dashboard, dashboard } from "@pillion/dashboard";
import { userOf } from "@/lib/users";

let board: Dashboard | undefined;

// At the first request: `next build` loads this file too, where there may be no DATABASE_URL.
function answer(request: Request) {
  board ??= dashboard({
    admin: createAdmin({ database: process.env.DATABASE_URL! }),
    basePath: "/admin/jobs",
    authorize: async (request) => Boolean((await userOf(request))?.admin),
  });
  return board(request);
}

export { answer as GET, answer as POST };

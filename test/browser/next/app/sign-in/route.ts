import { signedIn } from "@/lib/users";

export const GET = () =>
  new Response(null, { status: 303, headers: { location: "/admin/jobs", "set-cookie": signedIn } });

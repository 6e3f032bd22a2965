import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** How a board on this machine is entered: by an address that works once. */
export interface BoardDoor {
  /** The path of that address. */
  readonly path: string;
  /** Answers whoever brings the token, and who does not belong here; undefined for what the board is to answer. */
  answer(request: Request): Response | undefined;
  /** Whether a request comes from the browser that was let in. */
  letsIn(request: Request): boolean;
}

const random = () => randomBytes(32).toString("base64url");
const digest = (text: string) => createHash("sha256").update(text).digest();
const same = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));

/**
 * A door with a token that is used up by its first visit, which gets a cookie that no script reads and no other site
 * sends. `hosts`: the names under which the board may be asked, so that no other site's name can be made to point here;
 * undefined for all.
 */
export function boardDoor(port: number, hosts: readonly string[] | undefined): BoardDoor {
  let token: string | undefined = random();
  const pass = random();
  // Cookies know no ports.
  const cookie = `pillion_board_${port}`;
  const letsIn = (request: Request) =>
    (request.headers.get("cookie") ?? "")
      .split(/;\s*/)
      .some((pair) => pair.startsWith(`${cookie}=`) && same(pair.slice(cookie.length + 1), pass));
  return {
    path: `/?token=${token}`,
    letsIn,
    answer(request) {
      const { searchParams, hostname } = new URL(request.url);
      if (hosts && !hosts.includes(hostname))
        return say(403, `This board does not answer to the name ${hostname}.`);
      const given = searchParams.get("token");
      if (given === null || request.method !== "GET") return undefined;
      const headers: Record<string, string> = {
        location: "/",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      };
      if (token === undefined || !same(given, token))
        return letsIn(request)
          ? new Response(null, { status: 303, headers })
          : say(
              401,
              "This address has been used, or is not right. Stop `pillion dashboard` and start it again for a new one.",
            );
      token = undefined;
      headers["set-cookie"] = `${cookie}=${pass}; HttpOnly; SameSite=Strict; Path=/`;
      return new Response(null, { status: 303, headers });
    },
  };
}

function say(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

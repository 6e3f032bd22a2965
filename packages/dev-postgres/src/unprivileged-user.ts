import { spawnSync } from "node:child_process";

/**
 * Whom root starts a server as that does not run as root: the user `postgres` or `nobody`; undefined for everybody
 * else, who starts it as himself.
 */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.platform === "win32" || process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const uid = spawnSync("id", ["-u", name], { encoding: "utf8" });
    const gid = spawnSync("id", ["-g", name], { encoding: "utf8" });
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(
    "This server does not run as root, and there is no user `postgres` or `nobody` to run it as.",
  );
}

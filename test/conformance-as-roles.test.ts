import { randomBytes } from "node:crypto";
import { conformance } from "@pillion/conformance";
import pg from "pg";
import { afterAll, beforeAll, describe, inject, test } from "vitest";
import { withBuiltChild } from "./built-child.ts";
import { allHarnesses, newestReleases } from "./harnesses.ts";

// The guarantees do not hold by rights that an application does not have: one that owns nothing and is allowed what its
// kind may do passes the same suite as the owner. What a role may do is the database's affair, so one ORM tells.

const url = inject("databaseUrl");
const role = `pillion_app_${randomBytes(4).toString("hex")}`;
const password = "only-for-this-test";
const owner = new pg.Pool({ connectionString: url, max: 1 });
beforeAll(() => owner.query(`create role ${role} login password '${password}'`));
afterAll(async () => {
  await owner.query(`drop owned by ${role}; drop role ${role}`);
  await owner.end();
});

const harnesses = await allHarnesses();
const applicationUrl = Object.assign(new URL(url), { username: role, password }).href;
const chosen = newestReleases(harnesses).filter(({ orm }) => orm === "pg");
for (const { harness, childArguments } of await Promise.all(chosen.map(withBuiltChild)))
  conformance(harness, {
    url,
    applicationUrl,
    others: harnesses,
    childArguments,
    describe: describe.concurrent,
    test,
    afterAll,
  });

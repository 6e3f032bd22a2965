import { drizzle } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import { expect, test } from "vitest";
import { postgresJsConnection } from "../src/postgres-js-connection.ts";

/** What pg makes of what postgres.js was opened with. */
const reread = (client: postgres.Sql) =>
  new pg.Client(postgresJsConnection(drizzle(client).$client)!.options);

test("pg goes where postgres.js goes, as whom it goes", () => {
  expect(reread(postgres("postgres://clerk:secret@db:6543/shop"))).toMatchObject({
    host: "db",
    port: 6543,
    user: "clerk",
    password: "secret",
    database: "shop",
    ssl: false,
  });
  const password = async () => "secret";
  expect(reread(postgres({ host: "/run/db", port: 6543, database: "shop", password }))).toMatchObject({
    host: "/run/db",
    port: 6543,
    password,
    database: "shop",
  });
});

test("pg encrypts where postgres.js does, and asks for proof where it does", () => {
  expect(reread(postgres("postgres://db/shop?sslmode=require")).ssl).toEqual({ rejectUnauthorized: false });
  expect(reread(postgres("postgres://db/shop?sslmode=disable")).ssl).toBe(false);
  expect(reread(postgres("postgres://db/shop?sslmode=verify-full")).ssl).toBe(true);
  const ssl = { ca: "authority" };
  expect(reread(postgres("postgres://db/shop", { ssl })).ssl).toEqual(ssl);
});

test("a client whose sockets the application opens does not tell how", () => {
  const client = postgres("postgres://db/shop", { socket: () => {} } as never);
  expect(postgresJsConnection(client)).toBe(undefined);
});

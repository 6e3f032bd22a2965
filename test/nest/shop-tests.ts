import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { INestApplication, Type } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { PillionError } from "@pillion/core";
import { migrate } from "@pillion/core/migrate";
import pg from "pg";

interface Order {
  readonly id: string;
  readonly total: number;
}

interface Orders {
  placeCarelessly(order: Order): Promise<unknown>;
}

/** What holds in each application. It listens as it would anywhere, on a fresh database at DATABASE_URL. */
export function shopTests(appModule: Type, ordersService: Type<Orders>): void {
  const reader = new pg.Pool({ connectionString: process.env.DATABASE_URL });
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    await migrate({ database: reader });
    await reader.query("create table orders (id text primary key, total integer not null)");
    app = await NestFactory.create(appModule, { logger: ["error"], abortOnError: false });
    await app.listen(0, "127.0.0.1");
    url = await app.getUrl();
  });
  afterAll(async () => {
    await app?.close();
    await reader.end();
  });

  const place = (order: Order) =>
    fetch(`${url}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(order),
    });

  /** What there is of an order, as another connection sees it. */
  async function stored(orderId: string): Promise<{ orders: string[]; jobs: string[] }> {
    const orders = await reader.query("select id from orders where id = $1", [orderId]);
    const jobs = await reader.query(
      "select id::text from pillion.job where name = 'invoice.send' and payload->>'orderId' = $1",
      [orderId],
    );
    return { orders: orders.rows.map(({ id }) => id), jobs: jobs.rows.map(({ id }) => id) };
  }

  test("a request that commits leaves its order and the job of its innermost service", async () => {
    const response = await place({ id: "committed", total: 30 });
    expect(response.status).toBe(201);
    const { job } = (await response.json()) as { job: string };
    expect(await stored("committed")).toEqual({ orders: ["committed"], jobs: [job] });
  });

  test("a request whose services throw after the enqueue leaves neither", async () => {
    const response = await place({ id: "declined", total: 2_000 });
    expect(response.status).toBe(422);
    expect(await stored("declined")).toEqual({ orders: [], jobs: [] });
  });

  test("requests at the same time each commit or roll back their own", async () => {
    const ids = Array.from({ length: 20 }, (_, n) => ({ id: `together ${n}`, total: n % 2 ? 30 : 2_000 }));
    const responses = await Promise.all(ids.map(place));
    expect(responses.map(({ status }) => status)).toEqual(ids.map(({ total }) => (total === 30 ? 201 : 422)));
    for (const { id, total } of ids) {
      const { orders, jobs } = await stored(id);
      expect([id, orders.length, jobs.length]).toEqual([id, ...(total === 30 ? [1, 1] : [0, 0])]);
    }
  });

  test("a service that is called outside a transaction gets a typed error, and no job", async () => {
    const error = await app
      .get(ordersService)
      .placeCarelessly({ id: "careless", total: 30 })
      .catch((error: unknown) => error);
    expect(PillionError.is(error)).toBe(true);
    expect(error).toMatchObject({
      code: "NOT_IN_TRANSACTION",
      jobName: "invoice.send",
      message: expect.stringContaining("called outside a transaction"),
    });
    expect(await stored("careless")).toEqual({ orders: [], jobs: [] });
  });
}

import { expect, inject, onTestFinished, test } from "vitest";
import { sql } from "../../src/statement.ts";
import { openSession, toDatabase } from "../../src/worker/connect.ts";
import { silencingProxy, withQuery } from "./proxies.ts";
import { testQueue } from "./queue.ts";
import { workerProcess } from "./worker-process.ts";

// Who closes a connection waits until the server has closed it too; one whose server is gone without a word never does.

test("a connection of a worker's own that is silent is cut off when it is closed", async () => {
  const proxy = await silencingProxy(inject("databaseUrl"));
  const session = await openSession({ options: { connectionString: proxy.url } }, { waitMs: 0 });
  await session.query("select 1");
  proxy.silence();
  await session.close();
  await expect(session.query("select 1")).rejects.toThrow();
});

test("a process that closes the connections of a URL ends, though they idle in silence", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await silencingProxy(queue.url);
  const place = { url: proxy.url, schema: queue.schema };
  const { says, child, exited } = await workerProcess(place, {
    program: new URL("./closing-child.ts", import.meta.url),
  });
  await says("open");
  proxy.silence();
  child.kill("SIGTERM");
  await says("closed");
  expect(await exited).toEqual([0, null]);
});

test("a worker whose connections are all silent stops when it is told to, and its process ends", async () => {
  const queue = await testQueue();
  onTestFinished(() => queue.drop());
  const proxy = await silencingProxy(queue.url);
  const url = withQuery(proxy.url, "query_timeout", "500");
  const { says, child, exited } = await workerProcess({ url, schema: queue.schema });
  const id = await queue.add("quick");
  await says(`started ${id}`);
  await queue.reaches(id, "completed");
  proxy.silence();
  child.kill("SIGTERM");
  await says("stopped");
  expect(await exited).toEqual([0, null]);
});

test("a connection of a URL that is silent from its beginning is given up, and the next statement opens another", async () => {
  const proxy = await silencingProxy(inject("databaseUrl"));
  proxy.silence(1);
  const database = toDatabase(proxy.url, 500);
  onTestFinished(() => database.close!());
  const ask = () => database.run(sql`select 1 as one`(undefined));
  await expect(ask()).rejects.toThrow("timeout");
  expect(await ask()).toEqual([{ one: 1 }]);
});

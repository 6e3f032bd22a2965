// `prisma` fetches a program for its migrations, which a test without a network cannot. The same engine, of the same
// source, is published as WebAssembly: this program answers `prisma` as the other would, and asks that one.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";

const [wasm, ...given] = process.argv.slice(2);
const argument = (name: string) => given[given.indexOf(name) + 1]!;

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(
      code: Uint8Array,
      imports: Record<string, object>,
    ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
  };
};
const { instance } = await WebAssembly.instantiate(await readFile(wasm!), {
  "./schema_engine_bg.js": bindings,
});
bindings.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();
// Where the engine says why it gives up, before it does.
const set_message = (message: string) => {
  throw new Error(message);
};
Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message } });

async function connect(url: string) {
  // One connection, as Prisma has: it holds the lock of its migrations.
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<pg.QueryArrayResult>;
  // The adapter knows nothing of the type "char" of Postgres' catalogs: the engine is told of it here.
  let characters: readonly number[] = [];
  Object.assign(pool, {
    async query(...args: unknown[]) {
      const result = await query(...args);
      const fields = result.fields ?? [];
      characters = fields.flatMap(({ dataTypeID }, column) => (dataTypeID === 18 ? [column] : []));
      for (const column of characters) fields[column]!.dataTypeID = pg.types.builtins.TEXT;
      return result;
    },
  });
  const adapter = await new PrismaPg(pool).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (statement) => {
    const answer = await queryRaw(statement);
    for (const column of characters) answer.columnTypes[column] = ColumnTypeEnum.Character;
    return answer;
  };
  // The adapter cuts a script at each semicolon; Prisma's own connection sends it as one message.
  adapter.executeScript = async (script) => void (await query(script));
  return adapter;
}

/** What `prisma` asks for, line by line. */
interface Call {
  readonly id: number;
  readonly method?: string;
  readonly params: unknown;
}

async function engineOf(): Promise<Record<string, (params: unknown) => Promise<unknown>>> {
  const { url, shadowDatabaseUrl } = JSON.parse(argument("--datasource"));
  const adapter = bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => connect(url),
    async connectToShadowDb() {
      const shadow = await connect(shadowDatabaseUrl);
      // As Prisma empties a `shadowDatabaseUrl`: of the schemas that the datasource lists, and of nothing else.
      await shadow.executeScript("drop schema public cascade; create schema public");
      return shadow;
    },
  });
  const options = { datamodels: await datamodels() };
  return (await bindings.SchemaEngine.new(options, () => {}, adapter)) as never;
}

/** `prisma migrate diff` names no model of its own: the engine wants to know of what kind the database is. */
async function datamodels(): Promise<[string, string][]> {
  if (!given.includes("--datamodels"))
    return [["schema.prisma", 'datasource db {\n  provider = "postgresql"\n}']];
  const file = argument("--datamodels");
  return [[file, await readFile(file, "utf8")]];
}

const send = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Whether the database can be connected to is answered by the exit code; else calls come until stdin ends. */
if (!given.includes("cli")) {
  const engine = await engineOf();
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line) as Call;
    // `prisma` has printed what it was to print.
    if (method === undefined) continue;
    try {
      const result = ((await engine[method]!(params)) ?? null) as { stdout?: string } | null;
      if (method === "diff")
        send({ id, jsonrpc: "2.0", method: "print", params: { content: result?.stdout } });
      send({ id, jsonrpc: "2.0", result });
    } catch (error) {
      const { message } = error as Error;
      send({ id, jsonrpc: "2.0", error: { code: 4466, message, data: { is_panic: false, message } } });
    }
  }
}
process.exit();

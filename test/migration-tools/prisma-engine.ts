import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as engine from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { onTestFinished } from "vitest";

// `prisma` fetches a program for its migrations, which a test without a network cannot. Its engine is published as
// WebAssembly too, from the same source: this is what `prisma` asks of it.

const require = createRequire(import.meta.url);
const wasm = join(dirname(require.resolve("@prisma/schema-engine-wasm")), "schema_engine_bg.wasm");
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(
      code: Uint8Array,
      imports: Record<string, object>,
    ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
  };
};
const { instance } = await WebAssembly.instantiate(await readFile(wasm), {
  "./schema_engine_bg.js": engine,
});
engine.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

/** Where the engine says why it gives up, before it does. */
Object.assign(globalThis, {
  PRISMA_WASM_PANIC_REGISTRY: {
    set_message(message: string) {
      throw new Error(message);
    },
  },
});

export interface PrismaMigration {
  /** Of its folder. */
  readonly name: string;
  readonly sql: string;
}

async function connect(url: string) {
  // One connection, as Prisma has: it holds the lock of its migrations.
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  onTestFinished(() => pool.end());
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

/** Nothing that `prisma.config.ts` names as external. */
const filter = { externalTables: [], externalEnums: [] };

/** What `prisma` does with a schema.prisma and its migrations, on a database and on its shadow. */
export async function prisma(url: string, shadowUrl: string, datamodel: string) {
  const schema = { files: [{ path: "schema.prisma", content: datamodel }] };
  const adapter = bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => connect(url),
    connectToShadowDb: async () => {
      const shadow = await connect(shadowUrl);
      // As Prisma empties a `shadowDatabaseUrl`: of the schemas that the datasource lists, and of nothing else.
      await shadow.executeScript("drop schema public cascade; create schema public");
      return shadow;
    },
  });
  const schemaEngine = await engine.SchemaEngine.new(
    { datamodels: [["schema.prisma", datamodel]] },
    () => {},
    adapter,
  );
  const list = (migrations: readonly PrismaMigration[]) => ({
    baseDir: "prisma/migrations",
    lockfile: { path: "migration_lock.toml", content: null },
    shadowDbInitScript: "",
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok" as const, value: sql } },
    })),
  });
  return {
    /** `prisma db push`: what it would lose, and how many steps it has taken. */
    push: () => schemaEngine.schemaPush({ force: false, schema, filters: filter }),
    /** `prisma migrate deploy`. */
    deploy: async (migrations: readonly PrismaMigration[]) =>
      (await schemaEngine.applyMigrations({ migrationsList: list(migrations), filters: filter }))
        .appliedMigrationNames,
    /** The look of `prisma migrate dev` before it does anything: `reset` where the database has drifted. */
    diagnose: async (migrations: readonly PrismaMigration[]) =>
      (await schemaEngine.devDiagnostic({ migrationsList: list(migrations), filters: filter })).action,
    /** `prisma migrate dev --create-only`: the SQL that it would write, from what the migrations add up to. */
    create: async (migrations: readonly PrismaMigration[]) =>
      (
        await schemaEngine.createMigration({
          draft: false,
          migrationName: "next",
          migrationsList: list(migrations),
          schema,
          filters: filter,
        })
      ).migrationScript,
    /** `prisma migrate reset`, before it runs the migrations anew. */
    reset: () => schemaEngine.reset({ filter }),
    /** `prisma db pull`: the models that it reads from the database. */
    pull: async () =>
      (
        await schemaEngine.introspect({
          schema,
          baseDirectoryPath: ".",
          force: false,
          compositeTypeDepth: -1,
          namespaces: null,
        })
      ).schema.files
        .map(({ content }) => content)
        .join("\n"),
  };
}

import { migrationSql, removalSql } from "@pillion/core/migrate";

/** From which version of which schema to which. */
export interface Migration {
  readonly schema: string;
  readonly from: number;
  readonly to: number;
  /** When it was written, by which the tools order their migrations. */
  readonly at: Date;
}

/** How one migration tool wants its migrations. */
export interface MigrationForm {
  /** The file's content. */
  text(migration: Migration): string;
  /** Its place in the folder of that tool's migrations; where there is none, the tool makes the file. */
  readonly path?: (migration: Migration) => string;
  /** What runs it. */
  readonly run: string;
}

/** The forms by their names on the command line. */
export const forms = {
  sql: {
    text: migrationSql,
    path: ({ to }) => `pillion_${to}.sql`,
    run: "psql -f",
  },
  drizzle: {
    text: migrationSql,
    run: "npx drizzle-kit migrate",
  },
  typeorm: {
    text: typeormClass,
    path: ({ at }) => `${at.getTime()}-Pillion.ts`,
    run: "npx typeorm migration:run",
  },
  kysely: {
    text: kyselyModule,
    path: ({ at }) => `${at.getTime()}_pillion.ts`,
    run: "your Migrator's migrateToLatest()",
  },
  prisma: {
    text: migrationSql,
    path: ({ at }) => `${at.toISOString().replaceAll(/\D/g, "").slice(0, 14)}_pillion/migration.sql`,
    run: "npx prisma migrate deploy",
  },
} satisfies Record<string, MigrationForm>;

function typeormClass(migration: Migration): string {
  // TypeORM reads the time from the last 13 digits of the name.
  const name = `Pillion${migration.at.getTime()}`;
  return `import type { MigrationInterface, QueryRunner } from "typeorm";

export class ${name} implements MigrationInterface {
  name = "${name}";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(migration);
  }

${down(migration, "  async down(queryRunner: QueryRunner)", "  async down()", "queryRunner.query(removal)")}
}
${constants(migration)}`;
}

function kyselyModule(migration: Migration): string {
  return `import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<any>): Promise<void> {
  await sql.raw(migration).execute(db);
}

${down(migration, "export async function down(db: Kysely<any>)", "export async function down()", "sql.raw(removal).execute(db)")}
${constants(migration)}`;
}

function down({ from, to }: Migration, removing: string, refusing: string, remove: string): string {
  const indent = /^ */.exec(removing)![0];
  const [comment, head, body] =
    from === 0
      ? ["Removes the queue, with all its jobs.", removing, `await ${remove};`]
      : [
          "Jobs of the newer version are in the tables.",
          refusing,
          `throw new Error("Pillion's schema does not go back from version ${to} to ${from}: restore a backup.");`,
        ];
  return `${indent}/** ${comment} */
${indent}${head.trimStart()}: Promise<void> {
${indent}  ${body}
${indent}}`;
}

function constants(migration: Migration): string {
  const removal = `\nconst removal = ${template(removalSql(migration))};\n`;
  return `${migration.from === 0 ? removal : ""}
const migration = ${template(migrationSql(migration))};
`;
}

/** Text as a template literal, in which it can still be read. */
function template(text: string): string {
  return `\`${text.replaceAll(/[\\`]|\$(?=\{)/g, (character) => `\\${character}`)}\``;
}

import {
  InvalidConfigurationError,
  InvalidDefinitionError,
  InvalidJobError,
  TransactionChangedError,
} from "../errors.ts";
import type { Enqueued, JobRow } from "../job/job.ts";
import { toRow } from "../job/row.ts";
import { inColumns, parseAnswer } from "../postgres/answer.ts";
import { type Engine, postgresEngine } from "../postgres/engine.ts";
import { schemaErrorOf } from "../postgres/schema-error.ts";
import type { Row, Statement } from "../statement.ts";
import { ambientOf } from "./ambient.ts";
import { batches } from "./batches.ts";
import { changes } from "./changes.ts";
import type { AdapterDefinition } from "./definition.ts";
import { effects } from "./effects.ts";
import { type Ground, groundKey } from "./ground.ts";
import { idempotentOn } from "./idempotent.ts";
import { openTransactionOf } from "./open-transaction.ts";
import { describe, isClient, isTransaction } from "./questions.ts";
import { checkSettings, type Settings } from "./settings.ts";
import type { Adapter } from "./verbs.ts";

/** Turns an adapter's answers about its ORM into the verbs. Pure: nothing is opened, nothing runs. */
export function defineAdapter<Tx extends object, Client extends object = Tx>(
  definition: AdapterDefinition<Tx, Client>,
): Adapter<Tx, Client> {
  return bind(definition, {});
}

function bind<Tx extends object, Client extends object>(
  definition: AdapterDefinition<Tx, Client>,
  settings: Settings,
): Adapter<Tx, Client> {
  const { schema, maxPayloadBytes, setLocal } = checkSettings(settings);
  const engine = postgresEngine(schema);
  const pins = new WeakMap<object, string>();
  const openTransaction = openTransactionOf(definition);

  function pinTo(tx: Tx, xid: string): void {
    if (definition.handleLives === "transaction") pins.set(tx, xid);
  }

  async function send(handle: Tx | Client, statement: Statement): Promise<readonly Row[]> {
    try {
      return await definition.run(handle, statement);
    } catch (error) {
      throw schemaErrorOf(error, schema) ?? error;
    }
  }

  async function sendInTransaction(tx: Tx, rows: readonly JobRow[]): Promise<Enqueued[]> {
    const pin = pins.get(tx) ?? null;
    const answer = parseAnswer(await send(tx, statementOf(engine, rows, true, pin)));
    if (answer) {
      pinTo(tx, answer.xid);
      return answer.enqueued;
    }
    throw new TransactionChangedError(
      `${definition.name} enqueue of job "${rows[0]!.name}": this handle belongs to a transaction that is over, ` +
        "and its connection now serves another one. Nothing was written. Enqueue with the handle of the open " +
        "transaction, and await it before its callback returns.",
      rows[0]!.name,
    );
  }

  const ground: Ground<Tx> = {
    name: definition.name,
    engine,
    maxPayloadBytes,
    openTransaction,
    pinOf: (tx) => pins.get(tx) ?? null,
    pinTo,
    send,
    ...(definition.savepoint && { savepoint: definition.savepoint.bind(definition) as never }),
  };

  const verbs: Adapter<Tx, Client> = {
    ...effects(definition, engine, send, setLocal),
    ...changes(ground),
    idempotent: idempotentOn(ground),
    ambient(resolve) {
      // Some handles can be called.
      if (typeof resolve === "function" && !isTransaction(definition, resolve)) return ambientOf(resolve);
      throw new InvalidDefinitionError(
        `${definition.name} ambient: got ${describe(definition, resolve)}. It takes a function that each call asks for ` +
          "the transaction that is open there: ambient(() => tx).",
      );
    },
    async enqueue(given, job) {
      const tx = openTransaction("enqueue", given, ofJob(job), jobNameOf(job));
      const row = toRow(job, maxPayloadBytes);
      return (await sendInTransaction(tx, ["then" in row ? await row : row]))[0]!;
    },
    async enqueueMany(given, jobs) {
      const tx = openTransaction("enqueueMany", given, "");
      const answers: Enqueued[] = [];
      for await (const rows of batches(jobs, maxPayloadBytes)) {
        for (const answer of await sendInTransaction(tx, rows)) answers.push(answer);
      }
      return answers;
    },
    async enqueueStandalone(client, job) {
      if (!isClient(definition, client))
        throw new InvalidConfigurationError(
          `${definition.name} enqueueStandalone${ofJob(job)}: got ${describe(definition, client)}. It takes the ` +
            "root client, outside any transaction; inside one, call enqueue(tx, job).",
        );
      const row = await toRow(job, maxPayloadBytes);
      return parseAnswer(await send(client, statementOf(engine, [row], false, null)))!.enqueued[0]!;
    },
    database(client) {
      if (!isClient(definition, client))
        throw new InvalidConfigurationError(
          `${definition.name} database: got ${describe(definition, client)}. It takes the root client, outside any transaction.`,
        );
      const { transaction, connection } = definition;
      return {
        name: `${definition.name} client`,
        run: (statement) => definition.run(client, statement),
        ...(transaction && {
          runReadCommitted: (statement: Statement) =>
            transaction.call(definition, client, { isolationLevel: "read committed" }, (tx) =>
              definition.run(tx as Tx, statement),
            ) as Promise<readonly Row[]>,
        }),
        ...(connection && { connection: () => connection.call(definition, client) }),
      };
    },
    configure: (changed) => bind(definition, { ...settings, ...changed }),
    statementFor(job) {
      const row = toRow(job, maxPayloadBytes);
      if (row instanceof Promise) {
        row.catch(() => {});
        throw new InvalidJobError(
          `Job "${jobNameOf(job)}": its schema validates asynchronously${(job.type as { codec?: unknown }).codec ? ", or its codec encrypts so" : ""}, and this form of enqueue is synchronous. ` +
            "Use enqueue(tx, job), or a schema that validates synchronously.",
          jobNameOf(job),
        );
      }
      return inColumns(statementOf(engine, [row], true, null));
    },
  };
  return Object.assign(verbs, { [groundKey]: ground });
}

function statementOf(
  engine: Engine,
  rows: readonly JobRow[],
  guarded: boolean,
  pin: string | null,
): Statement {
  if (rows.some((row) => row.uniqueKey !== null)) return engine.enqueueKeyed({ rows, guarded, pin });
  return rows.length === 1
    ? engine.enqueue({ row: rows[0]!, guarded, pin })
    : engine.enqueueMany({ rows, guarded, pin });
}

function ofJob(job: unknown): string {
  const name = jobNameOf(job);
  return name === undefined ? "" : ` of job "${name}"`;
}

function jobNameOf(job: unknown): string | undefined {
  const name = (job as { type?: { name?: unknown } } | null | undefined)?.type?.name;
  return typeof name === "string" ? name : undefined;
}
